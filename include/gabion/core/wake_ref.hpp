// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// Something that can be woken.
template <class W>
concept wakeable = requires(W& w) { w.wake(); };

/// A non-owning reference to something that can be woken. Waking is a hint: whoever is woken looks
/// for work itself. Waking must be safe from any thread and must not block.
class wake_ref {
 public:
  template <wakeable Wakeable>
    requires(!std::same_as<std::remove_const_t<Wakeable>, wake_ref>)
  explicit wake_ref(Wakeable& target) noexcept
      : target_{&target}, wake_{[](void* t) noexcept { static_cast<Wakeable*>(t)->wake(); }} {}

  void wake() const noexcept { wake_(target_); }
  friend bool operator==(const wake_ref&, const wake_ref&) = default;

 private:
  void* target_;
  void (*wake_)(void*) noexcept;
};

}  // namespace v0
}  // namespace gabion
