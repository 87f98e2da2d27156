// SPDX-License-Identifier: MIT
#include "tables/memory_tables.hpp"

#include <algorithm>
#include <utility>

namespace shop {

namespace {

template <class Rows>
auto find_in(const Rows& rows, std::string_view key) -> std::optional<typename Rows::mapped_type> {
  const auto found = rows.find(key);
  if (found == rows.end()) return std::nullopt;
  return found->second;
}

template <class Table>
auto find_in_table(const Table& table, std::string_view key) {
  return table.read([&](const auto& rows) { return find_in(rows, key); });
}

template <class Journal, class Row>
void append(memory_tables::transaction& tx, Journal& to, const Row& row) {
  const auto& rows = to.rows(tx);
  to.put(tx, rows.empty() ? 1 : rows.rbegin()->first + 1, row);
}

template <class Table>
void add(memory_tables::transaction& tx, Table& to, std::string_view key, std::int64_t amount) {
  to.change(tx, std::string{key}, [&](std::int64_t& row) { row += amount; });
}

bool matches(const order_view& view, const order_filter& filter) {
  return (!filter.status || view.state.status() == *filter.status) &&
         (filter.customer_id.empty() || view.state.by.id == filter.customer_id);
}

}  // namespace

memory_tables::memory_tables(gabion::memory::database& in)
    : orders_{in},
      customers_{in},
      totals_{in},
      products_{in},
      bookings_{in},
      stock_{in},
      addresses_{in},
      emails_{in},
      due_{in},
      breaker_changes_{in} {}

std::optional<order_view> memory_tables::find_order(transaction& tx, std::string_view id) const {
  return find_in(orders_.rows(tx), id);
}

void memory_tables::put_order(transaction& tx, const order_view& view) {
  orders_.put(tx, view.id, view);
}

std::optional<order_view> memory_tables::find_order(std::string_view id) const {
  return find_in_table(orders_, id);
}

order_page memory_tables::find_orders(const order_filter& filter) const {
  return orders_.read([&](const auto& rows) {
    order_page page;
    for (auto at = rows.upper_bound(filter.after); at != rows.end() && !page.more; ++at) {
      if (!matches(at->second, filter)) continue;
      page.more = page.orders.size() == filter.limit;
      if (!page.more) page.orders.push_back(at->second);
    }
    return page;
  });
}

std::optional<customer_summary> memory_tables::find_customer(transaction& tx,
                                                             std::string_view id) const {
  return find_in(customers_.rows(tx), id);
}

void memory_tables::put_customer(transaction& tx, const customer_summary& summary) {
  customers_.put(tx, summary.id, summary);
}

std::optional<customer_summary> memory_tables::find_customer(std::string_view id) const {
  return find_in_table(customers_, id);
}

void memory_tables::add_to_total(transaction& tx, std::string_view name, std::int64_t amount) {
  add(tx, totals_, name, amount);
}

void memory_tables::add_to_product(transaction& tx, std::string_view product, std::int64_t units) {
  add(tx, products_, product, units);
}

order_analytics memory_tables::analytics(std::size_t products) const {
  order_analytics result;
  totals_.read([&](const auto& rows) { result.totals = {rows.begin(), rows.end()}; });
  products_.read([&](const auto& rows) { result.products = {rows.begin(), rows.end()}; });
  std::stable_sort(result.products.begin(), result.products.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (result.products.size() > products) result.products.resize(products);
  return result;
}

void memory_tables::book(transaction& tx, const cause& why) { append(tx, bookings_, why); }

void memory_tables::reserve(transaction& tx, std::string_view product, std::int64_t units) {
  add(tx, stock_, product, units);
}

void memory_tables::put_address(transaction& tx, std::string_view order_id,
                                std::string_view email) {
  addresses_.put(tx, std::string{order_id}, std::string{email});
}

std::string memory_tables::address_of(transaction& tx, std::string_view order_id) const {
  return find_in(addresses_.rows(tx), order_id).value_or(std::string{});
}

void memory_tables::send_email(transaction& tx, const sent_email& email) {
  append(tx, emails_, email);
}

void memory_tables::put_due(transaction& tx, const due_payment& payment) {
  due_.put(tx, payment.order_id, payment);
}

void memory_tables::remove_due(transaction& tx, std::string_view order_id, std::uint32_t number) {
  const auto known = find_in(due_.rows(tx), order_id);
  if (known && known->number == number) due_.erase(tx, std::string{order_id});
}

std::vector<due_payment> memory_tables::due_payments(std::string_view after_order,
                                                     std::size_t limit) const {
  return due_.read([&](const auto& rows) {
    std::vector<due_payment> due;
    for (auto at = rows.upper_bound(after_order); at != rows.end() && due.size() < limit; ++at)
      due.push_back(at->second);
    return due;
  });
}

std::size_t memory_tables::count_due() const {
  return due_.read([](const auto& rows) { return rows.size(); });
}

void memory_tables::log_breaker(transaction& tx, const breaker_change& change) {
  append(tx, breaker_changes_, change);
}

}  // namespace shop
