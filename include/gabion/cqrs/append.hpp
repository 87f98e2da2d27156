// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/cqrs/event_store.hpp>

namespace gabion {
inline namespace v0 {

/// Gives the result back if the append took effect, otherwise throws, so that the transaction
/// around it rolls back.
///
/// Throws error(conflict) or error(duplicate) that names the stream, what was expected and what was
/// found.
inline append_result require_appended(append_result result, std::string_view stream,
                                      expected_version expected) {
  if (result.status == append_status::wrong_version)
    detail::fail(errc::conflict, "stream '" + std::string{stream} + "' is at version " +
                                     std::to_string(result.actual) + ", expected " +
                                     to_string(expected) + "; load it and decide again");
  if (result.status == append_status::duplicate_id)
    detail::fail(errc::duplicate, "event id '" + result.id +
                                      "' is stored already, not as this part of stream '" +
                                      std::string{stream} + "'; a new event needs a new id");
  return result;
}

/// Appends or throws: several of these in one transaction are one atomic append to several streams.
/// An empty batch is a check on a stream that is not written.
template <class Store, class Transaction>
  requires(appends_events_in<Store, Transaction>)
append_result append_or_throw(Store& store, Transaction& tx, std::string_view stream,
                              expected_version expected, std::span<const message> events) {
  return gabion::require_appended(store.append(tx, stream, expected, events), stream, expected);
}

}  // namespace v0
}  // namespace gabion
