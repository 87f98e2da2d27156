// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/cqrs/command_log.hpp>
#include <gabion/cqrs/idempotency.hpp>
#include <gabion/cqrs/unit_of_work.hpp>

struct place_order {
  static constexpr std::string_view wire_name = "order.place";
};
inline int place(const place_order&) { return 0; }

struct database {
  struct transaction {};
  template <class Body>
  int transact(Body body) {
    transaction tx;
    return body(tx);
  }
};

struct command_log {
  using transaction = database::transaction;
  std::optional<gabion::command_record> claim(transaction&, std::string_view, std::string_view) {
    return std::nullopt;
  }
  void complete(transaction&, std::string_view, std::string_view, const gabion::command_record&) {}
  std::size_t forget(gabion::wall_time, std::size_t) { return 0; }
};

struct codec {
  static std::string encode(const place_order&) { return {}; }
  static std::string encode(int) { return "0"; }
  template <class T>
  T decode(std::string_view) const {
    return T{};
  }
};
