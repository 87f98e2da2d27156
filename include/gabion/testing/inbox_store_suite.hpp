// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <type_traits>

#include <gabion/log/transactor.hpp>
#include <gabion/outbox/inbox_store.hpp>
#include <gabion/testing/conformance.hpp>
#include <gabion/testing/detail/inbox_case.hpp>
#include <gabion/testing/detail/inbox_letter_cases.hpp>
#include <gabion/testing/detail/inbox_log_cases.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

namespace detail {

template <class World, void (*Body)(inbox_case<World>&)>
[[nodiscard]] constexpr conformance_case<World> inbox_entry_of(std::string_view name) noexcept {
  return {name, [](World& world, manual_time& time, findings& found) {
            inbox_case<World> c{world, time, found};
            Body(c);
          }};
}

template <class World>
inline constexpr conformance_case<World> all_inbox_cases[] = {
    inbox_entry_of<World, inbox_cases::new_once<inbox_case<World>>>("a message is new once"),
    inbox_entry_of<World, inbox_cases::new_again_after_a_rollback<inbox_case<World>>>(
        "after a rollback a message is new again"),
    inbox_entry_of<World, inbox_cases::repeated_in_one_transaction<inbox_case<World>>>(
        "a message is new once within one transaction"),
    inbox_entry_of<World, inbox_cases::foreign_transaction_is_refused<inbox_case<World>>>(
        "a transaction of another database is refused"),
    inbox_entry_of<World, inbox_cases::consumers_and_sources_are_apart<inbox_case<World>>>(
        "consumers and sources are apart"),
    inbox_entry_of<World, inbox_cases::once_over_several_threads<inbox_case<World>>>(
        "a message is new once over several threads"),
    inbox_entry_of<World, inbox_cases::nameless_is_refused<inbox_case<World>>>(
        "a message without an id and a consumer without a name are refused"),
    inbox_entry_of<World, inbox_cases::purge_takes_the_old_and_processed_only<inbox_case<World>>>(
        "a purge takes the old and processed only"),
    inbox_entry_of<World, inbox_cases::purge_is_bounded<inbox_case<World>>>("a purge is bounded"),
    inbox_entry_of<World, inbox_cases::dead_is_kept<inbox_case<World>>>("a dead message is kept"),
    inbox_entry_of<World, inbox_cases::keeping_is_idempotent<inbox_case<World>>>(
        "keeping twice is keeping once"),
    inbox_entry_of<World, inbox_cases::keeping_is_undone_by_a_rollback<inbox_case<World>>>(
        "a rollback undoes the keeping"),
    inbox_entry_of<World, inbox_cases::keys_are_blocked<inbox_case<World>>>(
        "a letter blocks its key"),
    inbox_entry_of<World, inbox_cases::no_key_no_order<inbox_case<World>>>(
        "messages without a key block nothing"),
    inbox_entry_of<World,
                   inbox_cases::kept_in_the_transaction_that_found_it_new<inbox_case<World>>>(
        "a message is kept in the transaction that found it new"),
    inbox_entry_of<World, inbox_cases::redrive_restores_the_order<inbox_case<World>>>(
        "a redrive restores the order of the key"),
    inbox_entry_of<World, inbox_cases::redrive_takes_dead_letters_only<inbox_case<World>>>(
        "a redrive takes dead letters only"),
    inbox_entry_of<World, inbox_cases::redrive_works_once<inbox_case<World>>>(
        "a redrive works once"),
    inbox_entry_of<World, inbox_cases::redrive_stops_at_the_next_dead_one<inbox_case<World>>>(
        "a redrive stops at the next dead letter of the key"),
    inbox_entry_of<World, inbox_cases::finished_letters_go<inbox_case<World>>>(
        "a finished letter goes"),
    inbox_entry_of<World, inbox_cases::finished_in_the_order_of_the_key<inbox_case<World>>>(
        "letters are finished in the order of their key"),
    inbox_entry_of<World, inbox_cases::failing_again_keeps_the_place<inbox_case<World>>>(
        "a letter that fails again keeps its place"),
    inbox_entry_of<World,
                   inbox_cases::nothing_is_stranded_behind_redriven_letters<inbox_case<World>>>(
        "nothing is stranded behind redriven letters"),
    inbox_entry_of<World, inbox_cases::letters_page<inbox_case<World>>>(
        "letters are read in pages"),
    inbox_entry_of<World, inbox_cases::letters_come_back_exactly<inbox_case<World>>>(
        "letters come back exactly"),
};

}  // namespace detail

/// What the suite runs in: an empty store, which reads its wall clock from the manual time, and the
/// database that it stores in. With `other_database()`, which returns another one of that type, the
/// suite also checks that the store refuses its transactions.
template <class World>
concept inbox_store_world = requires(World& w) {
  requires transactor<std::remove_reference_t<decltype(w.database())>>;
  requires(inbox_store<std::remove_reference_t<decltype(w.store())>,
                       typename std::remove_reference_t<decltype(w.database())>::transaction>);
};

/// The cases that every inbox store must pass. Run each in a world of its own, by run_suite() or
/// one by one:
///
///   testing::run_suite(testing::inbox_store_suite<my_world>(), [](testing::manual_time& t) {
///   return my_world{t}; }, report);
///
/// Some cases start threads; none waits for time to pass.
template <inbox_store_world World>
[[nodiscard]] constexpr const auto& inbox_store_suite() noexcept {
  return detail::all_inbox_cases<World>;
}

}  // namespace testing
}  // namespace v0
}  // namespace gabion
