// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/detail/circuit_call.hpp>
#include <gabion/resilience/detail/refused_call.hpp>
#include <gabion/resilience/keyed_registry.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/refusal.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

/// The key as the name of its breaker, cut to what fits, between characters of UTF-8. Empty for
/// keys that are no text.
template <class Lookup>
[[nodiscard]] std::string_view circuit_name_of(const Lookup& key) noexcept {
  if constexpr (std::convertible_to<const Lookup&, std::string_view>) {
    const std::string_view text = key;
    std::size_t size = text.size() < circuit_max_name ? text.size() : circuit_max_name;
    while (size != text.size() && size != 0 &&
           (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U)
      --size;
    return text.substr(0, size);
  } else {
    return {};
  }
}

/// What a registry makes its breakers of: the user's options with the key as name, the clock and
/// the observer.
template <class Recipe, clock Clock, class Observer>
struct circuit_parts {
  Recipe recipe;
  Clock time;
  Observer observer;

  template <class Lookup>
  [[nodiscard]] std::tuple<circuit_breaker_options, Clock, Observer> operator()(const Lookup& key) {
    circuit_breaker_options options = recipe(key);
    if (options.name.empty()) options.name = detail::circuit_name_of(key);
    return {options, time, observer};
  }
};

}  // namespace detail

/// A permit of the breaker of one key, or why there is none. Keeps that breaker in the registry.
/// Move-only.
template <class Handle, class Admission>
class [[nodiscard("dropping an admission returns its permit as abandoned")]] basic_keyed_admission {
 public:
  /// Asks the breaker; an empty handle is a full registry.
  basic_keyed_admission(Handle breaker, instant now) noexcept : breaker_{std::move(breaker)} {
    if (breaker_) admission_.emplace(breaker_->try_acquire(now));
  }

  /// False if there is no permit: the circuit rejected, or the registry is full.
  [[nodiscard]] explicit operator bool() const noexcept {
    return admission_ && static_cast<bool>(*admission_);
  }
  /// The permit; it must not leave this object, which keeps its breaker.
  [[nodiscard]] auto* operator->() noexcept { return &admission_->permit(); }
  [[nodiscard]] auto& permit() noexcept { return admission_->permit(); }

  /// Every breaker that could have made room is in use: nothing was made, nothing evicted.
  [[nodiscard]] bool registry_full() const noexcept { return !breaker_; }
  /// Meaningful only if there is no permit: errc::full, or errc::circuit_open and for how long.
  [[nodiscard]] refusal why() const noexcept {
    if (registry_full()) return {.code = errc::full};
    return {.code = errc::circuit_open, .retry_after = admission_->rejection().retry_after};
  }

 private:
  Handle breaker_;  // goes last
  std::optional<Admission> admission_{};
};

/// What one breaker of a registry says of itself.
template <class Key>
struct circuit_row {
  Key key;
  circuit_snapshot snapshot{};  ///< its `name` is empty: the key is its name
};

/// A circuit breaker for each key, such as a host or a tenant, in bounded memory: `keyed_registry`
/// with what breakers need.
///
/// `recipe(key)` gives the options; `same_for_all{options}` the same to each. A breaker is named
/// after its key, cut to 47 bytes. All share a clock and an observer, which are copied into each;
/// for one that counts or logs give `subscriptions::observer()`. Guarantees and thread safety are
/// those of `basic_keyed_registry`.
template <class Key, class Recipe, clock Clock = steady_clock, class Observer = no_observer,
          class Farewell = no_farewell, class Hash = key_hash, env Env = native_env>
class basic_circuit_registry {
 public:
  using breaker = basic_circuit_breaker<Clock, Observer, Env>;
  using registry =
      basic_keyed_registry<Key, breaker, detail::circuit_parts<Recipe, Clock, Observer>, Farewell,
                           Hash, Env>;
  using handle = typename registry::handle;
  using admission = basic_keyed_admission<handle, typename breaker::admission>;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_circuit_registry(const keyed_registry_options& options, Recipe recipe,
                                  Clock clock = Clock{}, Observer observer = Observer{},
                                  Farewell farewell = Farewell{}, Hash hash = Hash{})
      : clock_(clock),
        registry_{options,
                  {std::move(recipe), std::move(clock), std::move(observer)},
                  std::move(farewell),
                  std::move(hash)} {}

  /// The breaker of that key, made now if there is none. Empty if the registry is full of breakers
  /// that are in use.
  template <class Lookup>
  [[nodiscard]] handle get(const Lookup& key) {
    return registry_.get(key, clock_.now());
  }
  /// The breaker of that key, or empty if there is none.
  template <class Lookup>
  [[nodiscard]] handle find(const Lookup& key) noexcept {
    return registry_.find(key, clock_.now());
  }

  /// A permit of the breaker of that key.
  template <class Lookup>
  [[nodiscard]] admission try_acquire(const Lookup& key) {
    const instant now = clock_.now();
    return {registry_.get(key, now), now};
  }

  /// Calls f through the breaker of that key, as its `call(f)` does. If the registry is full, f
  /// isn't called: the answer is `outcome_traits<Result>::rejected(errc::full, 0)` if the type has
  /// it, otherwise refused_error is thrown.
  template <class Lookup, std::invocable Function>
  std::invoke_result_t<Function> call(const Lookup& key, Function&& f) {
    const handle h = get(key);
    if (!h)
      return detail::refused_call<std::invoke_result_t<Function>>({.code = errc::full},
                                                                  "the circuit registry is full");
    return h->call(std::forward<Function>(f));
  }

  /// All breakers as they are now, in no particular order. What was evicted is not among them, so
  /// that its series ends.
  [[nodiscard]] std::vector<circuit_row<Key>> snapshot() {
    std::vector<circuit_row<Key>> rows;
    rows.reserve(registry_.size());
    registry_.for_each([&](const Key& key, const breaker& b) {
      rows.push_back({key, b.snapshot()});
      rows.back().snapshot.name = {};
    });
    return rows;
  }

  /// Lets go the breakers that have been idle and are not in use. How many went.
  std::uint32_t expire() { return registry_.expire(clock_.now()); }
  /// The registry underneath: `for_each`, `erase`, `size`, `capacity`, `evicted`.
  [[nodiscard]] registry& entries() noexcept { return registry_; }

 private:
  [[no_unique_address]] Clock clock_;
  registry registry_;
};

template <class Recipe>
basic_circuit_registry(keyed_registry_options, Recipe)
    -> basic_circuit_registry<std::string, Recipe>;
template <class Recipe, clock Clock>
basic_circuit_registry(keyed_registry_options, Recipe, Clock)
    -> basic_circuit_registry<std::string, Recipe, Clock>;
template <class Recipe, clock Clock, class Observer>
basic_circuit_registry(keyed_registry_options, Recipe, Clock, Observer)
    -> basic_circuit_registry<std::string, Recipe, Clock, Observer>;
template <class Recipe, clock Clock, class Observer, class Farewell>
basic_circuit_registry(keyed_registry_options, Recipe, Clock, Observer, Farewell)
    -> basic_circuit_registry<std::string, Recipe, Clock, Observer, Farewell>;

/// Breakers by text, all with the same options, on the steady clock: `circuit_registry hosts{{},
/// {{.failures = 3}}};`
using circuit_registry = basic_circuit_registry<std::string, same_for_all<circuit_breaker_options>>;

}  // namespace v0
}  // namespace gabion
