// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/outbox.hpp>

// The least that each concept of the outbox asks; a pair takes one operation away.
namespace minimal {

using namespace gabion;

struct transaction {};

struct leases {
  std::optional<lease> acquire_lease(std::string_view, std::string_view, duration) {
    return std::nullopt;
  }
  bool renew_lease(const lease&, duration) { return false; }
  bool release_lease(const lease&) { return false; }
};

struct relay_store : leases {
  std::vector<outbox_record> fetch(std::uint32_t, position, std::size_t) { return {}; }
#ifndef GABION_MUST_FAIL
  settle_status settle(const lease&, std::span<const settlement>, position) {
    return settle_status::fenced;
  }
#endif
};

struct outbox_store : relay_store {
  using transaction = minimal::transaction;
  std::vector<enqueued> enqueue(minimal::transaction&, std::span<const message>) { return {}; }
  std::vector<dead_letter> dead_letters(position, std::size_t) { return {}; }
  bool redrive(position) { return false; }
  std::size_t purge_published(wall_time, std::size_t) { return 0; }
  outbox_stats stats() { return {}; }
};

struct transport {
  static constexpr bool keeps_key_order = true;
  std::size_t submit(std::span<const outgoing>) { return 0; }
#ifndef GABION_MUST_FAIL
  void poll(std::vector<delivery>&, duration) {}
#endif
};

struct subscription {
  std::vector<received> receive(std::size_t, duration) { return {}; }
#ifndef GABION_MUST_FAIL
  settle_status commit(std::uint32_t, position) { return settle_status::fenced; }
#endif
  std::uint64_t assignment() const { return 0; }
};

struct inbox_store {
  using transaction = minimal::transaction;
#ifndef GABION_MUST_FAIL
  bool begin_message(transaction&, std::string_view, const message&) { return false; }
#endif
  void keep_dead(transaction&, std::string_view, const message&, std::uint32_t, std::string_view) {}
  bool keep_parked(transaction&, std::string_view, const message&) { return false; }
  bool blocked(transaction&, std::string_view, std::string_view) { return false; }
  std::vector<inbox_letter> letters(std::string_view, position, std::size_t) { return {}; }
  bool redrive(std::string_view, position) { return false; }
  std::vector<inbox_letter> redriven(std::string_view, position, std::size_t) { return {}; }
  bool still_redriven(transaction&, std::string_view, position) { return false; }
  bool finish_letter(transaction&, std::string_view, position) { return false; }
  std::optional<inbox_entry> entry(std::string_view, std::string_view, std::string_view) {
    return std::nullopt;
  }
  std::size_t purge_processed(wall_time, std::size_t) { return 0; }
};

}  // namespace minimal
