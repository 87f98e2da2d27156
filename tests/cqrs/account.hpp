// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/cqrs/aggregate.hpp>

namespace gabion_test {

/// Writes each event as its one number: small, exact, and quick to break on purpose.
struct number_codec {
  [[nodiscard]] static constexpr std::string_view content_type() noexcept { return "text/plain"; }
  template <class T>
  [[nodiscard]] std::string encode(const T& value) const {
    return std::to_string(value.amount);
  }
  template <class T>
  [[nodiscard]] T decode(std::string_view bytes) const {
    T value{};
    const auto [end, failure] =
        std::from_chars(bytes.data(), bytes.data() + bytes.size(), value.amount);
    if (failure != std::errc{} || end != bytes.data() + bytes.size())
      throw gabion::error{gabion::errc::corrupt,
                          "number_codec: '" + std::string{bytes} + "' is no number"};
    return value;
  }
};

/// The name says no more than its first form did: every deposit had its amount in whole units, not
/// in cents.
struct deposited_units;

struct opened {
  static constexpr std::string_view wire_name = "account.opened";
  std::int64_t amount = 0;
  friend constexpr bool operator==(const opened&, const opened&) = default;
};
struct deposited {
  static constexpr std::string_view wire_name = "account.deposited.v2";
  std::int64_t amount = 0;
  friend constexpr bool operator==(const deposited&, const deposited&) = default;
};
struct withdrawn {
  static constexpr std::string_view wire_name = "account.withdrawn";
  std::int64_t amount = 0;
  friend constexpr bool operator==(const withdrawn&, const withdrawn&) = default;
};
struct deposited_units {
  static constexpr std::string_view wire_name = "account.deposited";
  std::int64_t amount = 0;
  [[nodiscard]] constexpr deposited upcast() const { return {amount * 100}; }
  friend constexpr bool operator==(const deposited_units&, const deposited_units&) = default;
};

struct open_account {
  std::int64_t first_deposit = 0;
};
struct deposit {
  std::int64_t amount = 0;
};
struct withdraw {
  std::int64_t amount = 0;
};
struct deposit_twice {
  std::int64_t amount = 0;
};
struct settle_up {};  ///< withdraws whatever is there
struct shuffle {
  std::vector<std::int64_t> amounts{};  ///< positive: deposit, negative: withdraw, 0: nothing
};

struct account {
  static constexpr std::string_view category = "account";
  using event_list = gabion::events<opened, deposited_units, deposited, withdrawn>;
  struct state_type {
    bool open = false;
    std::int64_t balance = 0;
    friend constexpr bool operator==(const state_type&, const state_type&) = default;
  };

  static constexpr state_type evolve(state_type s, const opened& e) {
    return {true, s.balance + e.amount};
  }
  static constexpr state_type evolve(state_type s, const deposited& e) {
    return {s.open, s.balance + e.amount};
  }
  static constexpr state_type evolve(state_type s, const withdrawn& e) {
    return {s.open, s.balance - e.amount};
  }

  static constexpr opened decide(const state_type& s, const open_account& c) {
    if (s.open) throw gabion::error{gabion::errc::rejected, "the account is open already"};
    return {c.first_deposit};
  }
  static constexpr deposited decide(const state_type& s, const deposit& c) {
    require_open(s);
    return {c.amount};
  }
  static constexpr withdrawn decide(const state_type& s, const withdraw& c) {
    require_open(s);
    if (s.balance < c.amount) throw gabion::error{gabion::errc::rejected, "the balance is too low"};
    return {c.amount};
  }
  static constexpr std::tuple<deposited, deposited> decide(const state_type& s,
                                                           const deposit_twice& c) {
    require_open(s);
    return {deposited{c.amount}, deposited{c.amount}};
  }
  static constexpr std::optional<withdrawn> decide(const state_type& s, const settle_up&) {
    if (s.balance == 0) return std::nullopt;
    return withdrawn{s.balance};
  }
  static auto decide(const state_type&, const shuffle& c) {
    std::vector<std::variant<gabion::no_events, deposited, withdrawn>> all;
    for (const std::int64_t amount : c.amounts) {
      if (amount > 0) all.emplace_back(deposited{amount});
      if (amount < 0) all.emplace_back(withdrawn{-amount});
      if (amount == 0) all.emplace_back(gabion::no_events{});
    }
    return all;
  }

 private:
  static constexpr void require_open(const state_type& s) {
    if (!s.open) throw gabion::error{gabion::errc::not_found, "there is no such account"};
  }
};

}  // namespace gabion_test
