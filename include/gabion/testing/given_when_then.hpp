// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/codec.hpp>
#include <gabion/core/error.hpp>
#include <gabion/cqrs/aggregate.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// Shows events by their names alone.
struct names_only {};

namespace detail {

template <class Expected, class Event>
[[nodiscard]] constexpr bool same_event(const Expected& expected, const Event& event) {
  if constexpr (std::is_same_v<Expected, Event>) {
    return expected == event;
  } else {
    return false;
  }
}

/// Compares the events that come with those that were expected, one by one.
template <class... Expected>
class event_comparison {
 public:
  explicit constexpr event_comparison(const Expected&... expected) : expected_{expected...} {}

  template <class Event>
  constexpr bool next(const Event& event) {
    std::size_t index = 0;
    bool same = false;
    std::apply(
        [&](const auto&... each) {
          ((index++ == seen_ ? static_cast<void>(same = detail::same_event(each, event)) : void()),
           ...);
        },
        expected_);
    ++seen_;
    all_same_ = all_same_ && same;
    return same;
  }
  [[nodiscard]] constexpr bool same() const noexcept {
    return all_same_ && seen_ == sizeof...(Expected);
  }
  [[nodiscard]] constexpr const std::tuple<const Expected&...>& expected() const noexcept {
    return expected_;
  }

 private:
  std::tuple<const Expected&...> expected_;
  std::size_t seen_ = 0;
  bool all_same_ = true;
};

template <class Codec, class Event>
[[nodiscard]] std::string event_text(const Event& event) {
  std::string text{wire_name_of<Event>()};
  if constexpr (codec_for<Codec, Event>) text += " " + Codec{}.encode(event);
  return text;
}

/// Expected and actual lines, side by side where they are the same.
[[nodiscard]] inline std::string diff(const std::vector<std::string>& expected,
                                      const std::vector<std::string>& actual,
                                      const std::vector<bool>& same) {
  std::string text;
  for (std::size_t i = 0; i < expected.size() || i < actual.size(); ++i) {
    if (i < same.size() && same[i]) {
      text += "  " + actual[i] + "\n";
      continue;
    }
    if (i < expected.size()) text += "- " + expected[i] + "\n";
    if (i < actual.size()) text += "+ " + actual[i] + "\n";
  }
  return text;
}

}  // namespace detail

/// Whether the command makes exactly these events out of that state. Can be evaluated at compile
/// time if `decide` can: `static_assert(testing::emits<order>(fold<order>(placed{}), cancel{},
/// cancelled{}));`
template <aggregate A, class Command, class... Expected>
  requires decides<A, Command>
[[nodiscard]] constexpr bool emits(const typename A::state_type& state, const Command& command,
                                   const Expected&... expected) {
  detail::event_comparison<Expected...> comparison{expected...};
  auto see = [&](const auto& event) { comparison.next(event); };
  gabion::detail::each_event<typename A::event_list>(A::decide(state, command), see);
  return comparison.same();
}

/// Whether a scenario went as expected, and if not, what was different.
struct verdict {
  bool good = false;
  std::string why{};  ///< lines with "-" were expected, lines with "+" came instead
  [[nodiscard]] explicit operator bool() const noexcept { return good; }
};

/// What a command led to: look at it with then(), then_nothing() or then_refused().
template <aggregate A, class Decision, class Codec>
class scenario_result {
 public:
  explicit scenario_result(Decision decision) : decision_{std::move(decision)} {}
  scenario_result(std::error_code refused, std::string why)
      : refused_{refused}, why_{std::move(why)} {}

  /// Exactly these events came, in this order.
  template <class... Expected>
  [[nodiscard]] verdict then(const Expected&... expected) const {
    std::vector<std::string> wanted{detail::event_text<Codec>(expected)...};
    if (!decision_) return {false, detail::diff(wanted, {"refused: " + why_}, {})};
    detail::event_comparison<Expected...> comparison{expected...};
    std::vector<std::string> actual;
    std::vector<bool> same;
    auto see = [&](const auto& event) {
      same.push_back(comparison.next(event));
      actual.push_back(detail::event_text<Codec>(event));
    };
    gabion::detail::each_event<typename A::event_list>(*decision_, see);
    if (comparison.same()) return {.good = true};
    return {false, detail::diff(wanted, actual, same)};
  }

  [[nodiscard]] verdict then_nothing() const { return then(); }

  /// The command was refused with that code.
  [[nodiscard]] verdict then_refused(std::error_code code) const {
    if (!decision_ && refused_ == code) return {.good = true};
    const std::string wanted = "- refused: " + code.message() + "\n";
    if (!decision_) return {false, wanted + "+ refused: " + why_ + "\n"};
    return {false, wanted + then().why};
  }
  [[nodiscard]] verdict then_refused(errc code) const {
    return then_refused(make_error_code(code));
  }

 private:
  std::optional<Decision> decision_{};
  std::error_code refused_{};
  std::string why_{};
};

/// A state that was reached by events. Immutable: several commands can be tried on it.
template <aggregate A, class Codec>
class scenario {
 public:
  explicit scenario(typename A::state_type state) : state_{std::move(state)} {}

  template <class Command>
    requires decides<A, Command>
  [[nodiscard]] auto when(const Command& command) const {
    using decision = std::remove_cvref_t<decltype(A::decide(state_, command))>;
    using result = scenario_result<A, decision, Codec>;
    try {
      return result{A::decide(state_, command)};
    } catch (const std::system_error& e) {
      return result{e.code(), e.what()};
    } catch (const std::exception& e) {
      return result{make_error_code(errc::rejected), e.what()};
    }
  }
  [[nodiscard]] const typename A::state_type& state() const noexcept { return state_; }

 private:
  typename A::state_type state_;
};

/// `given<order>(placed{...}).when(cancel{}).then(cancelled{})`: a verdict with a diff. With a
/// codec, as in `given<order, json_codec>(...)`, the diff shows what is in the events; otherwise
/// their names alone.
template <aggregate A, class Codec = names_only, class... Past>
[[nodiscard]] scenario<A, Codec> given(const Past&... past) {
  return scenario<A, Codec>{gabion::fold<A>(past...)};
}

}  // namespace testing
}  // namespace v0
}  // namespace gabion
