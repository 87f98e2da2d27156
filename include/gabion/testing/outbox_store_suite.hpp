// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <type_traits>

#include <gabion/log/transactor.hpp>
#include <gabion/outbox/store.hpp>
#include <gabion/testing/conformance.hpp>
#include <gabion/testing/detail/outbox_case.hpp>
#include <gabion/testing/detail/outbox_data_cases.hpp>
#include <gabion/testing/detail/outbox_enqueue_cases.hpp>
#include <gabion/testing/detail/outbox_letter_cases.hpp>
#include <gabion/testing/detail/outbox_settle_cases.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

namespace detail {

template <class World, void (*Body)(outbox_case<World>&)>
[[nodiscard]] constexpr conformance_case<World> outbox_entry(std::string_view name) noexcept {
  return {name, [](World& world, manual_time& time, findings& found) {
            outbox_case<World> c{world, time, found};
            Body(c);
          }};
}

template <class World>
inline constexpr conformance_case<World> all_outbox_cases[] = {
    outbox_entry<World, outbox_cases::committed_batch_in_order<outbox_case<World>>>(
        "a committed batch is pending in the order of its enqueue"),
    outbox_entry<World, outbox_cases::rollback_leaves_nothing<outbox_case<World>>>(
        "a rollback leaves nothing behind"),
    outbox_entry<World, outbox_cases::foreign_transaction_is_refused<outbox_case<World>>>(
        "a transaction of another database is refused"),
    outbox_entry<World, outbox_cases::several_enqueues_in_one_transaction<outbox_case<World>>>(
        "several enqueues share one transaction"),
    outbox_entry<World, outbox_cases::empty_batch<outbox_case<World>>>("an empty batch is nothing"),
    outbox_entry<World, outbox_cases::same_id_again<outbox_case<World>>>(
        "the same id again writes nothing"),
    outbox_entry<World, outbox_cases::same_id_within_a_batch<outbox_case<World>>>(
        "the same id twice in a batch is written once"),
    outbox_entry<World, outbox_cases::same_id_after_purge<outbox_case<World>>>(
        "after a purge an id is new"),
    outbox_entry<World, outbox_cases::same_id_from_several_threads<outbox_case<World>>>(
        "the same id from several threads is written once"),
    outbox_entry<World, outbox_cases::many_threads_lose_nothing<outbox_case<World>>>(
        "many threads lose nothing"),
    outbox_entry<World, outbox_cases::bad_message_in_a_batch<outbox_case<World>>>(
        "one bad message and nothing of its batch is written"),
    outbox_entry<World, outbox_cases::empty_id_and_time_are_filled<outbox_case<World>>>(
        "an empty id and an epoch time are filled"),
    outbox_entry<World, outbox_cases::order_is_by_number_not_by_time<outbox_case<World>>>(
        "the order is by number and not by time"),
    outbox_entry<World, outbox_cases::fetch_pages<outbox_case<World>>>("fetch reads in pages"),
    outbox_entry<World, outbox_cases::lease_is_exclusive<outbox_case<World>>>(
        "a lease has one owner"),
    outbox_entry<World, outbox_cases::lease_expires_by_the_stores_clock<outbox_case<World>>>(
        "a lease expires by the clock of the store"),
    outbox_entry<World, outbox_cases::lease_is_renewed<outbox_case<World>>>("a lease is renewed"),
    outbox_entry<World, outbox_cases::lease_is_released<outbox_case<World>>>("a lease is released"),
    outbox_entry<World, outbox_cases::lease_survives_a_clock_that_jumps<outbox_case<World>>>(
        "a lease survives a clock that jumps"),
    outbox_entry<World, outbox_cases::one_of_many_gets_the_lease<outbox_case<World>>>(
        "one of many gets the lease"),
    outbox_entry<World, outbox_cases::delivered_is_done<outbox_case<World>>>(
        "what is delivered is done"),
    outbox_entry<World, outbox_cases::watermark_alone_settles_nothing_above_it<outbox_case<World>>>(
        "the watermark settles nothing above it"),
    outbox_entry<World, outbox_cases::deferred_remembers_attempts<outbox_case<World>>>(
        "a deferred message remembers its attempts"),
    outbox_entry<World, outbox_cases::newer_epoch_fences<outbox_case<World>>>(
        "a newer epoch fences the former owner"),
    outbox_entry<World, outbox_cases::dead_is_kept_and_blocks_its_key<outbox_case<World>>>(
        "a dead message is kept and blocks its key"),
    outbox_entry<World, outbox_cases::dead_without_a_key_blocks_nothing<outbox_case<World>>>(
        "a dead message without a key blocks nothing"),
    outbox_entry<World, outbox_cases::parked_waits_behind_the_dead<outbox_case<World>>>(
        "a parked message waits behind the dead one"),
    outbox_entry<World, outbox_cases::parked_needs_a_blocked_key<outbox_case<World>>>(
        "only a blocked key is parked"),
    outbox_entry<World, outbox_cases::dead_letter_keeps_everything<outbox_case<World>>>(
        "a dead letter keeps everything"),
    outbox_entry<World, outbox_cases::dead_letters_page<outbox_case<World>>>(
        "dead letters are read in pages"),
    outbox_entry<World, outbox_cases::reason_of_any_length<outbox_case<World>>>(
        "a reason may have any length"),
    outbox_entry<World, outbox_cases::redrive_restores_the_order<outbox_case<World>>>(
        "a redrive restores the order of the key"),
    outbox_entry<World, outbox_cases::nothing_overtakes_what_was_redriven<outbox_case<World>>>(
        "nothing overtakes what was redriven"),
    outbox_entry<World, outbox_cases::redrive_takes_dead_letters_only<outbox_case<World>>>(
        "a redrive takes dead letters only"),
    outbox_entry<World, outbox_cases::redrive_works_once<outbox_case<World>>>(
        "a redrive works once"),
    outbox_entry<World, outbox_cases::redriven_may_die_again<outbox_case<World>>>(
        "what was redriven may die again"),
    outbox_entry<World, outbox_cases::redrive_stops_at_the_next_dead_one<outbox_case<World>>>(
        "a redrive stops at the next dead letter of the key"),
    outbox_entry<World, outbox_cases::redrive_behind_a_dead_one_stays_blocked<outbox_case<World>>>(
        "a redrive behind a dead letter stays blocked"),
    outbox_entry<World, outbox_cases::purge_takes_the_old_and_delivered_only<outbox_case<World>>>(
        "a purge takes the old and delivered only"),
    outbox_entry<World, outbox_cases::purge_is_bounded<outbox_case<World>>>("a purge is bounded"),
    outbox_entry<World, outbox_cases::stats_follow<outbox_case<World>>>("the counts follow"),
    outbox_entry<World, outbox_cases::messages_come_back_exactly<outbox_case<World>>>(
        "messages come back exactly"),
    outbox_entry<World, outbox_cases::keys_are_compared_byte_by_byte<outbox_case<World>>>(
        "keys are compared byte by byte"),
    outbox_entry<World, outbox_cases::just_below_a_mebibyte<outbox_case<World>>>(
        "a payload just below 1 MiB is kept or refused"),
    outbox_entry<World, outbox_cases::a_mebibyte<outbox_case<World>>>(
        "a payload of 1 MiB is kept or refused"),
    outbox_entry<World, outbox_cases::just_above_a_mebibyte<outbox_case<World>>>(
        "a payload just above 1 MiB is kept or refused"),
    outbox_entry<World, outbox_cases::a_hundred_mebibytes<outbox_case<World>>>(
        "a payload of 100 MiB is kept or refused"),
    outbox_entry<World, outbox_cases::header_without_a_name_is_refused<outbox_case<World>>>(
        "a header without a name is refused"),
};

}  // namespace detail

/// What the suite runs in: an empty store with one lane, which reads its wall clock from the manual
/// time and takes messages of at least 256 KiB, and the database that it stores in. With
/// `other_database()`, which returns another one of that type, the suite also checks that the store
/// refuses its transactions.
template <class World>
concept outbox_store_world = requires(World& w) {
  requires transactor<std::remove_reference_t<decltype(w.database())>>;
  requires(outbox_store<std::remove_reference_t<decltype(w.store())>,
                        typename std::remove_reference_t<decltype(w.database())>::transaction>);
};

/// The cases that every outbox store must pass. Run each in a world of its own, by run_suite() or
/// one by one:
///
///   testing::run_suite(testing::outbox_store_suite<my_world>(), [](testing::manual_time& t) {
///   return my_world{t}; }, report);
///
/// Some cases start threads; none waits for time to pass.
template <outbox_store_world World>
[[nodiscard]] constexpr const auto& outbox_store_suite() noexcept {
  return detail::all_outbox_cases<World>;
}

}  // namespace testing
}  // namespace v0
}  // namespace gabion
