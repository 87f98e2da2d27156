// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <gabion/resilience/outcome_traits.hpp>

#include "payments/payment_desk_options.hpp"
#include "tables/rows.hpp"

namespace httplib {
class Client;
}

namespace shop {

/// What came of asking the provider for money.
struct charge_answer {
  enum class kind : std::uint8_t {
    charged,      ///< also when it had been charged before, under the same key
    declined,     ///< the provider works; the customer's card does not
    unreachable,  ///< no answer, or none that says what happened: the charge may or may not exist
  };
  kind what = kind::unreachable;
  std::string reason{};
};

/// Talks HTTP to the payment provider over one kept connection. One thread at a time.
class provider_client {
 public:
  explicit provider_client(const provider_options& options);
  ~provider_client();
  provider_client(const provider_client&) = delete;
  provider_client& operator=(const provider_client&) = delete;

  /// Asks for the payment. Safe to repeat: the key makes the provider charge once.
  [[nodiscard]] charge_answer charge(const due_payment& payment);

 private:
  std::unique_ptr<httplib::Client> http_;
};

}  // namespace shop

/// For the breaker only an answer that is none counts as a failure: a declined card says that the
/// provider is well.
template <>
struct gabion::outcome_traits<shop::charge_answer> {
  static gabion::verdict judge(const shop::charge_answer& answer) noexcept {
    return answer.what == shop::charge_answer::kind::unreachable ? gabion::verdict::failure
                                                                 : gabion::verdict::success;
  }
};
