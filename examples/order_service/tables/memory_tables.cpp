// SPDX-License-Identifier: MIT
#include "tables/memory_tables.hpp"

#include <algorithm>
#include <utility>

namespace shop {

namespace {

template <class Table>
auto find_in(const Table& in, std::string_view key) -> std::optional<typename Table::mapped_type> {
  const auto found = in.find(key);
  if (found == in.end()) return std::nullopt;
  return found->second;
}

bool matches(const order_view& view, const order_filter& filter) {
  return (!filter.status || view.state.status() == *filter.status) &&
         (filter.customer_id.empty() || view.state.by.id == filter.customer_id);
}

}  // namespace

void memory_tables::rollback() noexcept {
  for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) (*step)();
  undo_.clear();
}

/// Stores a value, or removes it if there is none.
template <class Value>
void memory_tables::put(transaction& tx, table<Value>& into, std::string_view key, const std::optional<Value>& value) {
  tx.join(*this);
  undo_.push_back([&into, name = std::string{key}, before = find_in(into, key)] {
    if (before)
      into[name] = *before;
    else
      into.erase(name);
  });
  if (value)
    into.insert_or_assign(std::string{key}, *value);
  else
    into.erase(std::string{key});
}

template <class Value>
void memory_tables::append(transaction& tx, std::vector<Value>& to, const Value& value) {
  tx.join(*this);
  to.push_back(value);
  undo_.push_back([&to] { to.pop_back(); });
}

std::optional<order_view> memory_tables::find_order(transaction&, std::string_view id) const { return find_in(orders_, id); }

void memory_tables::put_order(transaction& tx, const order_view& view) { put(tx, orders_, view.id, std::optional{view}); }

std::optional<order_view> memory_tables::find_order(std::string_view id) const {
  const auto guard = database_->lock();
  return find_in(orders_, id);
}

order_page memory_tables::find_orders(const order_filter& filter) const {
  const auto guard = database_->lock();
  order_page page;
  for (auto at = orders_.upper_bound(filter.after); at != orders_.end() && !page.more; ++at) {
    if (!matches(at->second, filter)) continue;
    page.more = page.orders.size() == filter.limit;
    if (!page.more) page.orders.push_back(at->second);
  }
  return page;
}

std::optional<customer_summary> memory_tables::find_customer(transaction&, std::string_view id) const { return find_in(customers_, id); }

void memory_tables::put_customer(transaction& tx, const customer_summary& summary) {
  put(tx, customers_, summary.id, std::optional{summary});
}

std::optional<customer_summary> memory_tables::find_customer(std::string_view id) const {
  const auto guard = database_->lock();
  return find_in(customers_, id);
}

void memory_tables::add_to_total(transaction& tx, std::string_view name, std::int64_t amount) {
  put(tx, totals_, name, std::optional{find_in(totals_, name).value_or(0) + amount});
}

void memory_tables::add_to_product(transaction& tx, std::string_view product, std::int64_t units) {
  put(tx, products_, product, std::optional{find_in(products_, product).value_or(0) + units});
}

order_analytics memory_tables::analytics(std::size_t products) const {
  const auto guard = database_->lock();
  order_analytics result{.totals = {totals_.begin(), totals_.end()}, .products = {products_.begin(), products_.end()}};
  std::stable_sort(result.products.begin(), result.products.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (result.products.size() > products) result.products.resize(products);
  return result;
}

void memory_tables::book(transaction& tx, const cause& why) { append(tx, bookings_, why); }

void memory_tables::reserve(transaction& tx, std::string_view product, std::int64_t units) {
  put(tx, stock_, product, std::optional{find_in(stock_, product).value_or(0) + units});
}

void memory_tables::put_address(transaction& tx, std::string_view order_id, std::string_view email) {
  put(tx, addresses_, order_id, std::optional{std::string{email}});
}

std::string memory_tables::address_of(transaction&, std::string_view order_id) const {
  return find_in(addresses_, order_id).value_or(std::string{});
}

void memory_tables::send_email(transaction& tx, const sent_email& email) { append(tx, emails_, email); }

void memory_tables::put_due(transaction& tx, const due_payment& payment) { put(tx, due_, payment.order_id, std::optional{payment}); }

void memory_tables::remove_due(transaction& tx, std::string_view order_id, std::uint32_t number) {
  const auto known = find_in(due_, order_id);
  if (known && known->number == number) put(tx, due_, order_id, std::optional<due_payment>{});
}

std::vector<due_payment> memory_tables::due_payments(std::string_view after_order, std::size_t limit) const {
  const auto guard = database_->lock();
  std::vector<due_payment> due;
  for (auto at = due_.upper_bound(after_order); at != due_.end() && due.size() < limit; ++at) due.push_back(at->second);
  return due;
}

std::size_t memory_tables::count_due() const {
  const auto guard = database_->lock();
  return due_.size();
}

void memory_tables::log_breaker(transaction& tx, const breaker_change& change) { append(tx, breaker_changes_, change); }

}  // namespace shop
