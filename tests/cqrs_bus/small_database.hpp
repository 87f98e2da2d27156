// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/cqrs/command_log.hpp>

/// A database of the least that a transactor is asked for: it keeps a map and counts what it did.
class small_database {
 public:
  using rows = std::map<std::string, std::string>;
  struct transaction {
    rows written;
    std::map<std::string, gabion::command_record> done;
  };

  template <class Body>
  int transact(Body body) {
    ++begun;
    transaction tx{committed, done};
    const int result = body(tx);
    committed = std::move(tx.written);
    done = std::move(tx.done);
    ++commits;
    return result;
  }

  int begun = 0;
  int commits = 0;
  rows committed{};
  std::map<std::string, gabion::command_record> done{};
};

/// The archetype of a command log: only what the concept asks.
struct small_log {
  using transaction = small_database::transaction;

  std::optional<gabion::command_record> claim(transaction& tx, std::string_view tenant,
                                              std::string_view key) {
    const auto found = tx.done.find(std::string{tenant} + "/" + std::string{key});
    return found == tx.done.end() ? std::nullopt : std::optional{found->second};
  }
  void complete(transaction& tx, std::string_view tenant, std::string_view key,
                const gabion::command_record& record) {
    tx.done[std::string{tenant} + "/" + std::string{key}] = record;
  }
  std::size_t forget(gabion::wall_time, std::size_t) { return 0; }
};
