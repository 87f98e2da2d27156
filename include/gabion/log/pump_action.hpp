// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {

/// How a pump looks at a record. Specialise it for each type of record, with these static
/// functions:
///   position at(const Record&)             the place in the feed, above `beginning`
///   std::string_view key(const Record&)    order is kept within one key; empty = no order
///   std::uint32_t attempts(const Record&)  failed attempts so far, over all restarts
///   bool blocked(const Record&)            an earlier record of its key is dead
///   std::size_t bytes(const Record&)       about its size in memory
template <class Record>
struct pump_traits {};

template <class Record>
concept has_position = requires(const Record& r) {
  { pump_traits<Record>::at(r) } -> std::same_as<position>;
};
template <class Record>
concept has_key = requires(const Record& r) {
  { pump_traits<Record>::key(r) } -> std::convertible_to<std::string_view>;
};
template <class Record>
concept has_history = requires(const Record& r) {
  { pump_traits<Record>::attempts(r) } -> std::same_as<std::uint32_t>;
  { pump_traits<Record>::blocked(r) } -> std::same_as<bool>;
};
template <class Record>
concept has_bytes = requires(const Record& r) {
  { pump_traits<Record>::bytes(r) } -> std::same_as<std::size_t>;
};

/// What a pump can carry.
template <class Record>
concept pump_record = std::move_constructible<Record> && has_position<Record> && has_key<Record> &&
                      has_history<Record> && has_bytes<Record>;

/// Names everything that a record lacks to be carried by a pump, in words.
template <class Record>
consteval bool explain_pump_record() {
  static_assert(std::move_constructible<Record>, "pump_record: the record cannot be moved");
  static_assert(
      has_position<Record>,
      "pump_record: `static position at(const Record&)` is missing in gabion::pump_traits<Record>");
  static_assert(has_key<Record>,
                "pump_record: `static std::string_view key(const Record&)` is missing in "
                "gabion::pump_traits<Record>");
  static_assert(has_history<Record>,
                "pump_record: `static std::uint32_t attempts(const Record&)` or `static bool "
                "blocked(const Record&)` is missing in "
                "gabion::pump_traits<Record>");
  static_assert(has_bytes<Record>,
                "pump_record: `static std::size_t bytes(const Record&)` is missing in "
                "gabion::pump_traits<Record>");
  return pump_record<Record>;
}

/// What a pump stands between. Not a matter of taste: it follows from the feed and the sink.
struct pump_shape {
  bool leased = true;   ///< the cursor is moved under a lease; false if something else fences (a
                        ///< broker's partition)
  bool fetches = true;  ///< the pump asks for records; false if they are offered to it
  /// See declares_key_order: many records of one key may be in flight at once
  bool keeps_key_order = false;
};

/// One record of a submission.
template <class Record>
struct submission {
  const Record* record = nullptr;  ///< alive and unmoved until its delivery was given to the pump
  position at{};
  std::uint32_t attempt = 1;  ///< 1 for the first time this record is handed over
};

/// What a pump wants done.
enum class pump_step : std::uint8_t {
  acquire,  ///< ask for the lease; answer leased()
  renew,    ///< renew held(); answer renewed()
  release,  ///< give held() back; answer released()
  fetch,    ///< read at most `limit` records above `after`, lowest first; answer fetched()
  submit,   ///< hand `batch` over, in order; answer submitted(), and a delivery for each record
            ///< taken through resolved()
  settle,   ///< remember `settlements` and `watermark` under held(); answer settled()
  wait,     ///< nothing to do before `until`, a wake() or a delivery
  stopped,  ///< nothing to do until resume(); see `why`
};

/// Why a pump has stopped.
enum class stop_reason : std::uint8_t {
  requested,  ///< stop() was called
  poisoned,   ///< a record can not be handed over and the policy is pause; see poison()
  fenced,     ///< without a lease only: somebody else owns the cursor now
};

[[nodiscard]] constexpr std::string_view to_string(stop_reason value) noexcept {
  switch (value) {
    case stop_reason::requested: return "requested";
    case stop_reason::poisoned: return "poisoned";
    case stop_reason::fenced: return "fenced";
  }
  return "unknown";
}

/// One step for the driver of a pump, with its particulars. Spans are valid until the step is
/// answered.
template <class Record>
struct pump_action {
  pump_step step = pump_step::wait;
  instant until{};        ///< wait: instant::max() if only a delivery or wake() can help
  position after{};       ///< fetch
  std::size_t limit = 0;  ///< fetch
  std::span<const submission<Record>> batch{};  ///< submit
  std::span<const settlement> settlements{};    ///< settle
  position watermark{};                         ///< settle: everything fetched up to it is settled
  stop_reason why = stop_reason::requested;     ///< stopped
};

/// The record at which a pump has paused.
struct poisoned_record {
  position at{};
  std::uint32_t attempts = 0;
  std::string reason{};
};

}  // namespace v0
}  // namespace gabion
