// SPDX-License-Identifier: MIT
#include "demo/report.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include <gabion/core/rfc3339.hpp>

namespace shop::demo {

namespace {

[[gnu::format(printf, 2, 3)]] void print(std::string& to, const char* format, ...) {
  char line[512];
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(line, sizeof line, format, values);
  va_end(values);
  to += line;
}

double ms(gabion::duration d) { return std::chrono::duration<double, std::milli>{d}.count(); }

/// The sample below which that part of the samples lies.
double ms_at(std::vector<std::chrono::microseconds> samples, double part) {
  if (samples.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(part * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), samples.begin() + rank, samples.end());
  return std::chrono::duration<double, std::milli>{samples[static_cast<std::size_t>(rank)]}.count();
}

void write_figures(std::string& out, const evidence& e, const run_figures& f) {
  std::uint64_t repeats = 0;
  for (const provider_charge& c : e.charges) repeats += c.repeats;
  print(out, "commands          %llu answered in %.1f s: %.0f per second\n",
        static_cast<unsigned long long>(f.commands), f.load_seconds,
        static_cast<double>(f.commands) / std::max(f.load_seconds, 0.001));
  print(out, "                  latency p50 %.1f ms, p99 %.1f ms; %llu acknowledged, %zu refused\n",
        ms(f.latency.quantile(0.5)), ms(f.latency.quantile(0.99)),
        static_cast<unsigned long long>(e.acknowledged.size()), f.refused.size());
  print(out,
        "kills             %zu; clients lost %llu connections, got %llu times 503, sent %llu "
        "commands again\n",
        f.kills, static_cast<unsigned long long>(f.lost_connections),
        static_cast<unsigned long long>(f.unavailable), static_cast<unsigned long long>(f.retries));
  print(out, "events            %zu of %zu orders; publish lag p50 %.1f ms, p99 %.1f ms\n",
        e.events.size(), e.shown.size(), ms_at(e.publish_lags, 0.5), ms_at(e.publish_lags, 0.99));
  print(out,
        "duplicates        %llu messages reached the broker twice, each inbox dropped them; %llu "
        "charges were asked for again\n",
        static_cast<unsigned long long>(e.published_twice),
        static_cast<unsigned long long>(repeats));
  print(out, "read your writes  %llu reads with a token, %llu told that they were stale\n",
        static_cast<unsigned long long>(e.token_reads),
        static_cast<unsigned long long>(f.declared_stale));
}

void write_breaker(std::string& out, const evidence& e) {
  out += "payment breaker\n";
  for (const breaker_step& s : e.breaker)
    print(out, "  %s  %-9s -> %-9s  %s\n",
          gabion::to_rfc3339(gabion::wall_time{s.at}).substr(11, 12).c_str(),
          s.from.empty() ? "-" : s.from.c_str(), s.to.c_str(), s.why.c_str());
}

void write_finding(std::string& out, const finding& f) {
  print(out, "  %s  %s (%zu checked)\n", f.kept() ? "kept  " : "BROKEN", f.promise.c_str(),
        f.looked_at);
  if (f.looked_at == 0) out += "            there was nothing to check\n";
  for (const std::string& example : f.examples) out += "            " + example + "\n";
  if (f.broken > f.examples.size())
    print(out, "            and %zu more\n", f.broken - f.examples.size());
}

void write_refused(std::string& out, const std::vector<refused_command>& refused) {
  constexpr std::size_t shown = 5;
  for (std::size_t i = 0; i < std::min(shown, refused.size()); ++i)
    out += "refused           line " + std::to_string(refused[i].line) + ": " +
           std::to_string(refused[i].status) + " " + refused[i].body + "\n";
}

}  // namespace

std::string write_report(const evidence& e, const run_figures& figures,
                         const std::vector<finding>& findings) {
  std::string out;
  write_figures(out, e, figures);
  write_refused(out, figures.refused);
  write_breaker(out, e);
  out += "promises\n";
  for (const finding& f : findings) write_finding(out, f);
  return out;
}

bool all_kept(const std::vector<finding>& findings) {
  return std::all_of(findings.begin(), findings.end(), [](const finding& f) { return f.kept(); });
}

}  // namespace shop::demo
