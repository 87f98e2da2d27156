// SPDX-License-Identifier: MIT
// The test cases of pipeline_suite.hpp. Whoever includes it defines `pipeline_drivers` first, a
// driver_list.
#include "support/catch.hpp"

TEST_CASE("a call goes in from the outermost policy and comes back from the innermost",
          "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.enters_inwards_and_leaves_outwards(); });
}
TEST_CASE(
    "a call returns exactly what the function returns: references and move-only values and nothing",
    "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.gives_back_each_kind_of_result(); });
}
TEST_CASE("an exception is a failure to the policies and reaches the caller unchanged",
          "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.an_exception_is_a_failure_and_goes_on_unchanged(); });
}
TEST_CASE("an exception that says cancelled is cancelled to the policies", "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.an_exception_that_says_cancelled_is_cancelled(); });
}
TEST_CASE("what lies below a retry is made afresh for each attempt", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.what_lies_below_a_retry_is_made_afresh(); });
}
TEST_CASE("the last attempt is the answer", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.the_last_attempt_is_the_answer(); });
}
TEST_CASE("a refusal is told to each policy that was passed and to the caller", "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.a_refusal_is_told_to_whom_it_passed_and_to_the_caller(); });
}
TEST_CASE("a policy may drop a result that came too late", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.a_policy_that_drops_a_late_result_is_heard(); });
}
TEST_CASE("a refusal by something further down is seen as one and its words are kept",
          "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.a_refusal_further_down_is_seen_and_its_words_are_kept(); });
}
TEST_CASE("a policy that says wait is asked again until it passes", "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.a_wait_to_get_in_is_asked_again_until_it_passes(); });
}
TEST_CASE("a wake ends a wait to get in", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.a_wake_ends_a_wait_to_get_in(); });
}
TEST_CASE("a wake does not cut a back-off short", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.a_wake_does_not_cut_a_back_off_short(); });
}
TEST_CASE("case 60: cancellation during a back-off ends it at once and reports cancelled",
          "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_60(); });
}
TEST_CASE("a waiter that was interrupted cancels the call", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.a_waiter_that_answers_no_cancels_the_call(); });
}
TEST_CASE("nothing goes again once the caller has given up", "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.nothing_goes_again_once_the_caller_has_given_up(); });
}
TEST_CASE("case 79: an expired deadline fails without calling", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_79_expired(); });
}
TEST_CASE("case 79: no retry begins where the deadline leaves no time", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_79_no_retry(); });
}
TEST_CASE("a wait to get in ends at the deadline", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.a_wait_to_get_in_ends_at_the_deadline(); });
}
TEST_CASE("what a policy changes in the context holds below it and not above", "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.what_a_policy_changes_in_the_context_holds_below_it(); });
}
TEST_CASE("the clock is read once on the way in however many policies ask", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.the_clock_is_read_once_on_the_way_in(); });
}
TEST_CASE("case 57: an open circuit inside a retry is told with its remaining time and not called",
          "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_57(); });
}
TEST_CASE("what a policy below a breaker refuses is not held against the other side",
          "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.a_refusal_below_a_breaker_is_not_held_against_the_other_side(); });
}
TEST_CASE("a cancelled call is not held against the other side", "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.a_cancelled_call_is_not_held_against_the_other_side(); });
}
TEST_CASE("attempts without a wait between them do not wait", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.attempts_without_a_wait_do_not_wait(); });
}
TEST_CASE("case 51: what an open circuit refuses gives back the permit of a limiter outside it",
          "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_51(); });
}
TEST_CASE("a permit inside a retry is back before the back-off", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.a_permit_is_back_before_the_back_off(); });
}
TEST_CASE("case 63: a timeout outside a retry is one limit for all attempts and waits",
          "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_63_timeout_outside(); });
}
TEST_CASE("case 63: a timeout inside a retry is a limit for each attempt", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_63_timeout_inside(); });
}
TEST_CASE("case 63: with a timeout on both sides the sooner counts", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_63_timeout_on_both_sides(); });
}
TEST_CASE("case 79: the sooner of a deadline and a timeout wins", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.case_79_the_sooner_deadline_wins(); });
}
TEST_CASE("a policy that always wants to go again does not outlast its caller", "[pipeline]") {
  pipeline_drivers::each(
      [](auto& suite) { suite.a_stubborn_policy_does_not_outlast_its_caller(); });
}
TEST_CASE("a retry inside a retry starts afresh each time", "[pipeline]") {
  pipeline_drivers::each([](auto& suite) { suite.a_retry_inside_a_retry_starts_afresh(); });
}
