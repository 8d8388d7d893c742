// SPDX-License-Identifier: Apache-2.0
// The hot path: what an I/O loop does for a cached page.
#include "actors/page_table_inside.hpp"

namespace lyceum {

page_table::reader::reader(page_table::impl& table, std::size_t place)
    : table_(table), place_(place), dice_(static_cast<std::uint32_t>(place) * 2654435761u + 1) {}

page_table::reader::~reader() {
  quiet();
  std::lock_guard lock(table_.guard);
  table_.readers[place_].taken = false;
}

page_table::found page_table::reader::find(std::string_view key, std::int64_t now_us) {
  announce();
  const record* what = table_.lookup(key, table_.hash_of(key));
  return what ? take(*what, now_us) : found{};
}

page_table::found page_table::reader::find_alike(std::string_view key, std::int64_t now_us) {
  announce();
  const record* what = table_.lookup(key, table_.hash_of(key));
  return what && what->what->alike ? take(*what, now_us) : found{};
}

void page_table::reader::announce() {
  if (reading_)
    return;
  // Once a loop turn. It must be seen before anything is looked up, hence an exchange: a full barrier.
  table_.readers[place_].since.exchange(table_.epoch.load(memory_order_seq_cst), memory_order_seq_cst);
  reading_ = true;
}

page_table::found page_table::reader::take(const record& what, std::int64_t now_us) {
  constexpr std::uint64_t exact_until = 256;
  constexpr std::uint32_t one_in = 16;
  dice_ = dice_ * 1664525u + 1013904223u;
  if (what.hits.load(memory_order_relaxed) < exact_until)
    what.hits.fetch_add(1, memory_order_relaxed);
  else if ((dice_ >> 28) == 0)
    what.hits.fetch_add(one_in, memory_order_relaxed);

  auto due = what.due.load(memory_order_relaxed);
  bool lead = false;
  if (due <= now_us) {
    auto lease_end = now_us + std::chrono::microseconds(lead_max).count();
    lead = what.due.compare_exchange_strong(due, due_at(lease_end, freshness::revalidating), memory_order_relaxed);
  }
  return {what.what.get(), lead};
}

void page_table::reader::quiet() noexcept {
  if (!reading_)
    return;
  reading_ = false;
  table_.readers[place_].since.store(nobody_reads, memory_order_release);
}

page_ptr page_table::reader::hold(const page* what) {
  return what->shared_from_this();
}

} // namespace lyceum
