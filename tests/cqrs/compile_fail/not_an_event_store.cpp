// SPDX-License-Identifier: MIT
#include <gabion/cqrs/event_store.hpp>

struct transaction {};

struct my_store {
  gabion::append_result append(transaction&, std::string_view, gabion::expected_version,
                               std::span<const gabion::message>) {
    return {};
  }
  gabion::stream_page read(std::string_view, std::uint64_t, std::size_t, gabion::read_direction) {
    return {};
  }
#ifndef GABION_MUST_FAIL
  gabion::stream_page read(transaction&, std::string_view, std::uint64_t, std::size_t,
                           gabion::read_direction) {
    return {};
  }
#endif
  std::vector<gabion::recorded_event> read_all(gabion::position, std::size_t,
                                               gabion::read_direction) {
    return {};
  }
  gabion::position head() { return {}; }
};

static_assert(gabion::explain_event_store<my_store, transaction>());

int main() {}
