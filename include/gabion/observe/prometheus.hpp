// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/utf8.hpp>
#include <gabion/observe/latency_snapshot.hpp>

namespace gabion {
inline namespace v0 {

/// One label of a sample.
struct metric_label {
  std::string_view name{};
  std::string_view value{};
};

/// The labels of one sample: a list in braces, or a span of those put together at run time. Refers
/// to them, so it lives no longer than they do.
class metric_labels {
 public:
  constexpr metric_labels() noexcept = default;
  constexpr metric_labels(std::initializer_list<metric_label> labels) noexcept
      : all_{labels.begin(), labels.size()} {}
  constexpr explicit metric_labels(std::span<const metric_label> labels) noexcept : all_{labels} {}

  [[nodiscard]] constexpr std::span<const metric_label> all() const noexcept { return all_; }

 private:
  std::span<const metric_label> all_{};
};

/// The content type to answer a scrape with.
inline constexpr std::string_view prometheus_content_type =
    "text/plain; version=0.0.4; charset=utf-8";

/// The bounds of the histograms that are written by default.
inline constexpr std::array<duration, 12> default_latency_bounds{
    std::chrono::microseconds{100},  std::chrono::microseconds{250}, std::chrono::milliseconds{1},
    std::chrono::microseconds{2500}, std::chrono::milliseconds{10},  std::chrono::milliseconds{25},
    std::chrono::milliseconds{100},  std::chrono::milliseconds{250}, std::chrono::seconds{1},
    std::chrono::milliseconds{2500}, std::chrono::seconds{10},       std::chrono::seconds{60}};

/// How much one page may hold. Later members are only ever added at the end.
struct prometheus_options {
  std::size_t max_families = 1000;  ///< metric names; 1 and up; default 1000
  std::size_t max_samples = 1000;   ///< label sets of one metric; 1 and up; default 1000
  std::size_t max_labels = 16;      ///< labels of one sample; 1 and up; default 16
};

namespace detail {

[[nodiscard]] constexpr bool is_metric_name(std::string_view name, bool colons) noexcept {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  for (const char c : name) {
    const bool word =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!word && !(colons && c == ':')) return false;
  }
  return true;
}

/// Escapes a backslash and a line feed, and a quote too if it is inside quotes.
inline void append_escaped(std::string& out, std::string_view text, bool quoted) {
  for (const char c : text) {
    if (c == '\\' || (c == '"' && quoted)) out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

template <std::integral Number>
void append_number(std::string& out, Number value) {
  std::array<char, 24> text{};
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
}

inline void append_number(std::string& out, double value) {
  constexpr double most = (std::numeric_limits<double>::max)();
  if (value > most) {
    out += "+Inf";
  } else if (value < -most) {
    out += "-Inf";
  } else if (!(value <= most)) {
    out += "NaN";
  } else {
    std::array<char, 32> text{};
    out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
  }
}

[[nodiscard]] inline double to_seconds(duration d) noexcept {
  return std::chrono::duration<double>{d}.count();
}

}  // namespace detail

/// Writes a page of metrics in the text format of Prometheus, version 0.0.4, at the end of a
/// string.
///
/// All samples of one metric follow each other under one HELP and TYPE line. Throws
/// error(invalid_argument) that names the metric for a name or label that the format does not
/// allow, a repeated label, or a metric that comes again after another; error(too_large) beyond the
/// limits of the options. What was written before stays. Not safe to use from several threads. The
/// string must outlive the writer.
class prometheus_writer {
 public:
  explicit prometheus_writer(std::string& out, const prometheus_options& options = {})
      : out_{&out}, options_{options} {
    detail::check_positive("prometheus_options.max_families", options.max_families);
    detail::check_positive("prometheus_options.max_samples", options.max_samples);
    detail::check_positive("prometheus_options.max_labels", options.max_labels);
  }

  /// A number that only rises. By custom its name ends in "_total".
  void counter(std::string_view name, std::string_view help, std::uint64_t value,
               metric_labels labels = {}) {
    begin(name, help, "counter");
    sample(name, "", labels, {}, value);
  }

  /// A number that goes up and down.
  template <class Number>
    requires std::integral<Number> || std::floating_point<Number>
  void gauge(std::string_view name, std::string_view help, Number value,
             metric_labels labels = {}) {
    begin(name, help, "gauge");
    if constexpr (std::integral<Number>)
      sample(name, "", labels, {}, value);
    else
      sample(name, "", labels, {}, static_cast<double>(value));
  }

  /// Cumulative buckets in seconds, at bounds that rise. By custom the name ends in "_seconds".
  void histogram(std::string_view name, std::string_view help, const latency_snapshot& latencies,
                 metric_labels labels = {},
                 std::span<const duration> bounds = default_latency_bounds) {
    begin(name, help, "histogram");
    std::string bound;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      if (i > 0 && bounds[i] <= bounds[i - 1])
        refuse(errc::invalid_argument, name, "its bounds do not rise");
      bound.clear();
      detail::append_number(bound, detail::to_seconds(bounds[i]));
      sample(name, "_bucket", labels, {"le", bound}, latencies.count_at_most(bounds[i]));
    }
    sample(name, "_bucket", labels, {"le", "+Inf"}, latencies.count());
    totals(name, labels, latencies);
  }

  /// Quantiles from 0 to 1, in seconds.
  void summary(std::string_view name, std::string_view help, const latency_snapshot& latencies,
               metric_labels labels = {},
               std::initializer_list<double> quantiles = {0.5, 0.9, 0.99, 0.999}) {
    begin(name, help, "summary");
    std::string text;
    for (const double quantile : quantiles) {
      if (!(quantile >= 0.0 && quantile <= 1.0))
        refuse(errc::invalid_argument, name, "a quantile is not 0 to 1");
      text.clear();
      detail::append_number(text, quantile);
      sample(name, "", labels, {"quantile", text},
             detail::to_seconds(latencies.quantile(quantile)));
    }
    totals(name, labels, latencies);
  }

 private:
  [[noreturn]] static void refuse(errc code, std::string_view metric, const std::string& why) {
    detail::fail(code, "prometheus: metric \"" + std::string{metric.substr(0, 100)} + "\": " + why);
  }

  /// Opens the metric if it is not the one before, and counts its label sets.
  void begin(std::string_view name, std::string_view help, std::string_view type) {
    if (!names_.empty() && names_.back() == name) {
      if (type != type_)
        refuse(errc::invalid_argument, name, "it is a " + std::string{type_} + " already");
      if (++samples_ > options_.max_samples)
        refuse(errc::too_large, name, "more label sets than max_samples");
      return;
    }
    if (!detail::is_metric_name(name, true))
      refuse(errc::invalid_argument, name, "the name has other than a-z A-Z 0-9 _ :");
    for (const std::string& earlier : names_)
      if (earlier == name)
        refuse(errc::invalid_argument, name,
               "it comes again after another; write its samples together");
    if (names_.size() >= options_.max_families)
      refuse(errc::too_large, name, "more metrics than max_families");
    names_.emplace_back(name);
    type_ = type;
    samples_ = 1;
    out_->append("# HELP ").append(name).append(1, ' ');
    detail::append_escaped(*out_, help, false);
    out_->append("\n# TYPE ").append(name).append(1, ' ').append(type).append(1, '\n');
  }

  /// One line. `special` is the label that the format itself adds.
  template <class Number>
  void sample(std::string_view name, std::string_view suffix, metric_labels labels,
              metric_label special, Number value) {
    check_labels(name, labels.all(), special);
    out_->append(name).append(suffix);
    char before = '{';
    const auto label = [&](const metric_label& l) {
      out_->append(1, before).append(l.name).append("=\"");
      detail::append_escaped(*out_, l.value, true);
      *out_ += '"';
      before = ',';
    };
    for (const metric_label& l : labels.all()) label(l);
    if (!special.name.empty()) label(special);
    out_->append(before == ',' ? "} " : " ");
    detail::append_number(*out_, value);
    *out_ += '\n';
  }

  void check_labels(std::string_view name, std::span<const metric_label> labels,
                    metric_label special) const {
    if (labels.size() > options_.max_labels)
      refuse(errc::too_large, name, "more labels than max_labels");
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::string_view label = labels[i].name;
      const std::string named = "label \"" + std::string{label.substr(0, 100)} + "\"";
      if (!detail::is_metric_name(label, false) || label.starts_with("__") || label == special.name)
        refuse(errc::invalid_argument, name, named + " is not allowed");
      if (!detail::is_utf8(labels[i].value))
        refuse(errc::invalid_argument, name, named + " has a value that is not UTF-8");
      for (const metric_label& earlier : labels.first(i))
        if (earlier.name == label) refuse(errc::invalid_argument, name, named + " is there twice");
    }
  }

  void totals(std::string_view name, metric_labels labels, const latency_snapshot& latencies) {
    sample(name, "_sum", labels, {}, detail::to_seconds(latencies.sum()));
    sample(name, "_count", labels, {}, latencies.count());
  }

  std::string* out_;
  prometheus_options options_;
  std::vector<std::string> names_{};
  std::string_view type_{};
  std::size_t samples_ = 0;
};

}  // namespace v0
}  // namespace gabion
