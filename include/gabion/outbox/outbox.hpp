// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/message.hpp>
#include <gabion/core/message_limits.hpp>
#include <gabion/log/wake.hpp>
#include <gabion/outbox/store.hpp>

namespace gabion {
inline namespace v0 {

/// What an outbox takes. Later members are only ever added at the end.
struct outbox_options {
  message_limits limits{};  ///< limits on a message, checked at enqueue
};

namespace detail {

/// Throws unless the text can travel as a header of any broker or HTTP.
inline void require_one_line(const message& m, const std::string& what, std::string_view text) {
  constexpr std::string_view forbidden{"\r\n\0", 3};
  if (text.find_first_of(forbidden) != std::string_view::npos)
    detail::message_fault(
        errc::invalid_argument, m,
        what + " holds a CR, LF or NUL; encode it, for example with percent signs");
}

/// Names that would be taken for an attribute, or for something that gabion adds.
[[nodiscard]] inline bool is_reserved_header(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 9> attributes{
      "id",          "source",          "type",      "subject", "time", "data",
      "specversion", "datacontenttype", "dataschema"};
  constexpr std::string_view prefix = "gabion";
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const auto same = [&](std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (lower(a[i]) != b[i]) return false;
    return true;
  };
  for (const std::string_view attribute : attributes)
    if (same(name, attribute)) return true;
  return same(name.substr(0, prefix.size()), prefix);
}

inline void require_sendable(const message& m, const outbox_options& options) {
  gabion::require_valid(m, options.limits);
  detail::require_one_line(m, "the id", m.id);
  detail::require_one_line(m, "the source", m.source);
  detail::require_one_line(m, "the type", m.type);
  detail::require_one_line(m, "the subject", m.subject);
  detail::require_one_line(m, "the content type", m.content_type);
  detail::require_one_line(m, "the schema", m.schema);
  detail::require_one_line(m, "the topic", m.topic);
  for (std::size_t i = 0; i < m.headers.size(); ++i) {
    const header& h = m.headers[i];
    detail::require_one_line(m, "the name of header " + std::to_string(i + 1), h.name);
    detail::require_one_line(m, "the value of header " + std::to_string(i + 1), h.value);
    if (detail::is_reserved_header(h.name))
      detail::message_fault(errc::invalid_argument, m,
                            "the header name '" + h.name +
                                "' is reserved; use the member of message, or another name");
  }
}

}  // namespace detail

/// Where a service leaves the messages that belong to its transaction: they are atomic with it.
///
/// A message is sent if and only if the transaction commits. If it was given something to wake (a
/// relay, a waker, a wake_group), that is woken after the commit, provided the transaction can do
/// so (wakes_on_commit); otherwise the relay finds the message when it looks the next time. The
/// store and whom it wakes must outlive the outbox. Safe to use from several threads if the store
/// is.
template <class Store>
class outbox {
 public:
  /// Throws error(invalid_argument) if an option is out of range.
  explicit outbox(Store& store, outbox_options options = {})
      : store_{&store}, options_{checked(options)} {}

  /// The same, and wakes `who` after each commit.
  template <wakeable Wakeable>
  outbox(Store& store, Wakeable& who, outbox_options options = {})
      : store_{&store}, options_{checked(options)}, who_{wake_ref{who}} {}

  /// Leaves one message. Throws error(invalid_argument | too_large) and writes nothing if it is
  /// bad; what the store throws passes through, and then the transaction should be rolled back.
  template <class Transaction>
    requires(enqueues_in<Store, Transaction>)
  enqueued enqueue(Transaction& tx, const message& one) {
    return enqueue(tx, std::span<const message>{&one, 1}).front();
  }

  /// Leaves several, all or none, in this order.
  template <class Transaction>
    requires(enqueues_in<Store, Transaction>)
  std::vector<enqueued> enqueue(Transaction& tx, std::span<const message> batch) {
    for (const message& m : batch) detail::require_sendable(m, options_);
    std::vector<enqueued> written = store_->enqueue(tx, batch);
    if constexpr (wakes_on_commit<Transaction>) {
      if (who_ && !batch.empty()) tx.wake_on_commit(*who_);
    }
    return written;
  }

  /// Leaves several, all or none, in this order.
  template <class Transaction, std::convertible_to<message>... Messages>
    requires(sizeof...(Messages) > 1 && enqueues_in<Store, Transaction>)
  std::vector<enqueued> enqueue(Transaction& tx, Messages&&... messages) {
    const std::array<message, sizeof...(Messages)> batch{
        message(std::forward<Messages>(messages))...};
    return enqueue(tx, std::span<const message>{batch});
  }

  [[nodiscard]] const outbox_options& options() const noexcept { return options_; }

 private:
  static outbox_options checked(const outbox_options& options) {
    detail::require_limits(options.limits);
    return options;
  }

  Store* store_;
  outbox_options options_;
  std::optional<wake_ref> who_{};
};

}  // namespace v0
}  // namespace gabion
