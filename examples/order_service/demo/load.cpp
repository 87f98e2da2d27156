// SPDX-License-Identifier: MIT
#include "demo/load.hpp"

#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

namespace shop::demo {

namespace {

using std::chrono::steady_clock;

std::string text_of(const answer& a) { return std::to_string(a.status) + " " + a.body; }

/// What a 202 says: which order, and at which version it now is.
struct accepted {
  std::string order_id{};
  std::uint64_t version = 0;
};

accepted read_accepted(const std::string& body) {
  const auto answer = nlohmann::json::parse(body);
  return {.order_id = answer.at("order_id").get<std::string>(),
          .version = answer.at("version").get<std::uint64_t>()};
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

load::load(const std::vector<script>& scripts, const load_options& options)
    : scripts_{scripts}, options_{options} {
  running_ = options.connections;
  for (std::size_t i = 0; i < options.connections; ++i) threads_.emplace_back([this] { work(); });
}

void load::join() {
  for (std::thread& t : threads_)
    if (t.joinable()) t.join();
}

void load::work() {
  client mine{options_.port, counters_};
  load_result part;
  while (!stopping_) {
    const std::size_t index = next_++;
    if (index >= scripts_.size()) break;
    drive(mine, index, part);
  }
  merge(std::move(part));
  --running_;
}

void load::drive(client& with, std::size_t index, load_result& into) {
  std::string order_id;
  for (std::size_t n = 0; n < scripts_[index].steps.size(); ++n) {
    const step& what = scripts_[index].steps[n];
    const std::string key = options_.key_prefix + std::to_string(index) + "." + std::to_string(n);
    const auto begun = steady_clock::now();
    const auto told = with.command(what, order_id, key, patience_of_clients());
    if (!told) {
      ++into.unanswered;
      return;  // what follows depends on it
    }
    latency_.record(steady_clock::now() - begun);
    ++answered_;
    if (told->status != 202) {
      into.refused.push_back(
          {.line = scripts_[index].line, .status = told->status, .body = told->body});
      if (order_id.empty()) return;  // there is no order to go on with
      continue;
    }
    const accepted now = read_accepted(told->body);
    order_id = now.order_id;
    into.acknowledged.push_back({.order_id = order_id, .version = now.version, .kind = what.kind});
    into.expected[order_id].apply(what);
    if ((index + n) % options_.repeat_every == 0)
      into.to_repeat.push_back({what, n == 0 ? std::string{} : order_id, key, text_of(*told)});
    if (n + 1 == scripts_[index].steps.size() && index % options_.read_back_every == 0)
      read_back(with, *told, now.version, into);
  }
}

void load::read_back(client& with, const answer& told, std::uint64_t version, load_result& into) {
  const auto seen = with.get(told.location, told.token, patience_of_clients());
  if (!seen) return;
  ++into.token_reads;
  const bool shown =
      seen->status == 200 &&
      nlohmann::json::parse(seen->body).at("version").get<std::uint64_t>() >= version;
  if (shown) return;
  ++(seen->stale ? into.declared_stale : into.stale_reads);
}

void load::merge(load_result&& part) {
  const std::lock_guard guard{mutex_};
  append(result_.acknowledged, std::move(part.acknowledged));
  append(result_.refused, std::move(part.refused));
  append(result_.to_repeat, std::move(part.to_repeat));
  result_.expected.merge(part.expected);
  result_.unanswered += part.unanswered;
  result_.token_reads += part.token_reads;
  result_.stale_reads += part.stale_reads;
  result_.declared_stale += part.declared_stale;
}

std::vector<repeated_answer> repeat_commands(const load_result& result, int port) {
  client_counters counters;
  client again{port, counters};
  std::vector<repeated_answer> answers;
  for (const load_result::sent& before : result.to_repeat) {
    const auto told = again.command(before.what, before.order_id, before.key,
                                    {.until = steady_clock::now() + std::chrono::seconds{10}});
    answers.push_back(
        {.key = before.key, .first = before.answer, .again = told ? text_of(*told) : "no answer"});
  }
  return answers;
}

}  // namespace shop::demo
