// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/random.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// How often a wrapped transport goes wrong, in 1000 messages or calls. The same seed gives the
/// same faults for the same calls.
struct transport_faults {
  std::uint64_t seed = 1;
  std::uint32_t refuse = 0;       ///< a submission is taken only in part
  std::uint32_t throws = 0;       ///< a submission throws and takes nothing
  std::uint32_t retry = 0;        ///< not sent, answered retry
  std::uint32_t unavailable = 0;  ///< not sent, answered unavailable
  std::uint32_t lost = 0;         ///< not sent, answered in doubt
  std::uint32_t ack_lost = 0;     ///< sent, answered in doubt
  std::uint32_t duplicate = 0;    ///< sent twice, one after the other
  std::uint32_t delay = 0;        ///< the delivery is kept back for one to three polls
  std::uint32_t reorder = 0;      ///< a submission is sent in another order of its keys
};

/// How often a wrapped store goes wrong, in 1000 calls.
struct store_faults {
  std::uint64_t seed = 1;
  std::uint32_t fails = 0;     ///< throws error(unavailable), and nothing was done
  std::uint32_t in_doubt = 0;  ///< throws error(in_doubt), and it was done
};

namespace detail {

/// True with a chance of `per_mille` in 1000.
inline bool strikes(xoshiro256& random, std::uint32_t per_mille) noexcept {
  return per_mille != 0 && gabion::uniform(random, 1000) < per_mille;
}

}  // namespace detail

}  // namespace testing
}  // namespace v0
}  // namespace gabion
