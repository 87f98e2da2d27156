// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gabion/core/codec.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/detail/pipeline.hpp>
#include <gabion/cqrs/message_name.hpp>

// A handler whose types are forgotten: three function pointers beside one allocated object. No
// RTTI, no std::function.
namespace gabion {
inline namespace v0 {
namespace detail {

/// Registered without a codec: typed sends only.
struct no_codec {};

/// What a handler must be asked for: the message's type, and that of the result. Told apart by
/// name, so it works across plug-ins.
struct open_types {
  std::string_view message{};
  std::string_view result{};
};

/// Equal text; quick where both are the same text in memory, as they are within one program.
[[nodiscard]] inline bool same_name(std::string_view a, std::string_view b) noexcept {
  return (a.data() == b.data() && a.size() == b.size()) || a == b;
}

/// A move-only handler with its calls.
class open_entry {
 public:
  using typed_call = void (*)(void* self, void* around, const void* message, command_context&,
                              void* result);
  using bytes_call = std::string (*)(void* self, void* around, std::string_view bytes,
                                     command_context&);
  using destroyer = void (*)(void* self) noexcept;

  open_entry(std::string name, std::uint64_t hash, open_types types, void* self, typed_call typed,
             bytes_call bytes, destroyer destroy) noexcept
      : name_(std::move(name)),
        hash_(hash),
        types_(types),
        self_(self),
        typed_(typed),
        bytes_(bytes),
        destroy_(destroy) {}
  open_entry(open_entry&& other) noexcept
      : name_(std::move(other.name_)),
        hash_(other.hash_),
        types_(other.types_),
        self_(std::exchange(other.self_, nullptr)),
        typed_(other.typed_),
        bytes_(other.bytes_),
        destroy_(other.destroy_) {}
  open_entry& operator=(open_entry&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(hash_, other.hash_);
    std::swap(types_, other.types_);
    std::swap(self_, other.self_);
    std::swap(typed_, other.typed_);
    std::swap(bytes_, other.bytes_);
    std::swap(destroy_, other.destroy_);
    return *this;
  }
  ~open_entry() {
    if (self_ != nullptr) destroy_(self_);
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] const open_types& types() const noexcept { return types_; }
  [[nodiscard]] bool takes_bytes() const noexcept { return bytes_ != nullptr; }
  void call(void* around, const void* message, command_context& context, void* result) const {
    typed_(self_, around, message, context, result);
  }
  [[nodiscard]] std::string call(void* around, std::string_view bytes,
                                 command_context& context) const {
    return bytes_(self_, around, bytes, context);
  }

 private:
  std::string name_;
  std::uint64_t hash_;
  open_types types_;
  void* self_;
  typed_call typed_;
  bytes_call bytes_;
  destroyer destroy_;
};

/// The object behind an open_entry.
template <class Message, class Function, class Codec, class Middlewares>
struct open_handler {
  using whole = step<0, message_kind::command, Middlewares, Message, Function>;
  using result = std::invoke_result_t<const whole&, command_context&, const Message&>;
  static_assert(std::is_void_v<result> || std::is_object_v<result>,
                "gabion: a handler of an open_bus returns a value or void, no reference");

  Function function;
  [[no_unique_address]] Codec codec;

  result run(void* around, const Message& message, command_context& context) {
    return whole{*static_cast<Middlewares*>(around), function}(context, message);
  }

  /// `given` points to an empty std::optional of the result, or is null for void.
  static void call(void* self, void* around, const void* message, command_context& context,
                   [[maybe_unused]] void* given) {
    auto& handler = *static_cast<open_handler*>(self);
    const auto& typed = *static_cast<const Message*>(message);
    if constexpr (std::is_void_v<result>) {
      handler.run(around, typed, context);
    } else {
      static_cast<std::optional<result>*>(given)->emplace(handler.run(around, typed, context));
    }
  }

  static std::string call_bytes(void* self, void* around, std::string_view bytes,
                                command_context& context) {
    auto& handler = *static_cast<open_handler*>(self);
    const Message message = handler.codec.template decode<Message>(bytes);
    if constexpr (std::is_void_v<result>) {
      handler.run(around, message, context);
      return {};
    } else {
      return handler.codec.encode(handler.run(around, message, context));
    }
  }

  static void destroy(void* self) noexcept { delete static_cast<open_handler*>(self); }

  static open_entry make(Function f, Codec codec, std::string name, std::uint64_t hash) {
    open_entry::bytes_call bytes = nullptr;
    if constexpr (!std::is_same_v<Codec, no_codec>) {
      static_assert(decodes<Codec, Message>,
                    "gabion: open_bus: the codec cannot decode the command");
      if constexpr (!std::is_void_v<result>)
        static_assert(encodes<Codec, result>,
                      "gabion: open_bus: the codec cannot encode the result");
      bytes = &open_handler::call_bytes;
    }
    return open_entry{std::move(name),
                      hash,
                      {written_name<Message>(), written_name<result>()},
                      new open_handler{std::move(f), std::move(codec)},
                      &open_handler::call,
                      bytes,
                      &open_handler::destroy};
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
