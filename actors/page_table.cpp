// SPDX-License-Identifier: Apache-2.0
// The writers' side. The readers' is page_reader.cpp.
#include "actors/page_table_inside.hpp"

#include <stdexcept>

namespace lyceum {

cell* page_table::impl::cell_of(const record& what) {
  index& cells = *part_of(what.hash).now.load(memory_order_relaxed);
  for (std::size_t i = what.hash;; ++i)
    if (cells.at(i).what.load(memory_order_relaxed) == &what)
      return &cells.at(i);
}

/// A cell to write a record with this hash into: an erased one of the same hash, or a fresh one. There always is one.
cell& page_table::impl::empty_cell(std::uint64_t hash) {
  index& cells = *part_of(hash).now.load(memory_order_relaxed);
  for (std::size_t i = hash;; ++i) {
    cell& one = cells.at(i);
    auto there = one.hash.load(memory_order_relaxed);
    if (there == 0) {
      ++cells.used;
      return one;
    }
    if (there == hash && !one.what.load(memory_order_relaxed))
      return one;
  }
}

void page_table::impl::insert(record_ptr what) {
  part& home = part_of(what->hash);
  if (index* cells = home.now.load(memory_order_relaxed); (cells->used + 1) * 4 > (cells->mask + 1) * 3)
    resize(home);
  cell& to = empty_cell(what->hash);
  to.what.store(what.get(), memory_order_seq_cst);
  to.hash.store(what->hash, memory_order_release); // last: a cell with a hash is one that readers look into
  ++home.live;
  ++size;
  bytes += what->bytes;
  add_tags(*what);
  what.release();
}

void page_table::impl::remove(const record* what) {
  drop_tags(*what);
  cell_of(*what)->what.store(nullptr, memory_order_seq_cst);
  --part_of(what->hash).live;
  --size;
  bytes -= what->bytes;
  retire(record_ptr(what));
}

/// Copies what lives into a fresh array with room to double.
void page_table::impl::resize(part& of) {
  std::size_t cells = 16;
  while (cells < (of.live + 1) * 3)
    cells *= 2;
  index* old = of.now.load(memory_order_relaxed);
  auto fresh = std::make_unique<index>(cells);
  for (std::size_t i = 0; i <= old->mask; ++i) {
    const record* what = old->at(i).what.load(memory_order_relaxed);
    if (!what)
      continue;
    std::size_t to = what->hash;
    while (fresh->at(to).hash.load(memory_order_relaxed) != 0)
      ++to;
    fresh->at(to).what.store(what, memory_order_relaxed);
    fresh->at(to).hash.store(what->hash, memory_order_relaxed);
    ++fresh->used;
  }
  of.now.store(fresh.release(), memory_order_seq_cst);
  retire(nullptr, std::unique_ptr<index>(old));
}

void page_table::impl::add_tags(const record& what) {
  for (const auto& tag : what.what->tags)
    by_tag[tag].insert(&what);
}

void page_table::impl::drop_tags(const record& what) {
  for (const auto& tag : what.what->tags)
    if (auto at = by_tag.find(tag); at != by_tag.end() && at->second.erase(&what) && at->second.empty())
      by_tag.erase(at);
}

/// Was a tag of it evicted after the content was read that it was made from?
bool page_table::impl::evicted_since(const page& what) const {
  if (what.content_seq == 0 || what.tags.empty())
    return false;
  return what.content_seq < evicted_floor || std::ranges::any_of(what.tags, [&](const std::string& tag) {
           auto at = evicted.find(tag);
           return at != evicted.end() && what.content_seq < at->second;
         });
}

void page_table::impl::put(std::string_view key, page_ptr what, due_word due) {
  auto hash = hash_of(key);
  const record* old = lookup(key, hash);
  auto made = record::make(hash, key, std::move(what), due, old ? old->hits.load(memory_order_relaxed) : 0);
  if (!old)
    return insert(std::move(made));
  bytes = bytes - old->bytes + made->bytes;
  drop_tags(*old);
  add_tags(*made);
  cell_of(*old)->what.store(made.release(), memory_order_seq_cst);
  retire(record_ptr(old));
}

void page_table::impl::retire(record_ptr what, std::unique_ptr<index> cells) {
  if (what)
    waiting_bytes += what->bytes;
  // Taken out above, numbered here: who announces a later epoch than this one cannot have seen it.
  waiting.push_back({epoch.fetch_add(1, memory_order_seq_cst), std::move(what), std::move(cells)});
}

void page_table::impl::free_unseen() {
  std::uint64_t oldest = nobody_reads;
  for (const auto& one : readers)
    oldest = std::min(oldest, one.since.load(memory_order_seq_cst));
  while (!waiting.empty() && waiting.front().epoch < oldest) {
    if (waiting.front().page)
      waiting_bytes -= waiting.front().page->bytes;
    waiting.pop_front();
  }
}

page_table::page_table(std::size_t readers_max) : impl_(std::make_unique<impl>(readers_max)) {}
page_table::~page_table() = default;

std::unique_ptr<page_table::reader> page_table::make_reader() {
  std::lock_guard lock(impl_->guard);
  for (std::size_t place = 0; place < impl_->readers.size(); ++place)
    if (!impl_->readers[place].taken) {
      impl_->readers[place].taken = true;
      return std::unique_ptr<reader>(new reader(*impl_, place));
    }
  throw std::length_error("page_table: every place for a reader is taken");
}

page_ptr page_table::find(std::string_view key) const {
  std::lock_guard lock(impl_->guard);
  const record* what = impl_->lookup(key);
  return what ? what->what : nullptr;
}

page_table::freshness page_table::state_of(std::string_view key) const {
  auto there = entry_of(key);
  return there ? there->state : freshness::stale;
}

bool page_table::put(const std::string& key, page_ptr what) {
  std::lock_guard lock(impl_->guard);
  bool late = impl_->evicted_since(*what);
  const record* old = late ? impl_->lookup(key) : nullptr;
  if (old && old->what->content_seq > what->content_seq)
    return false;
  auto due = late ? due_at(0, freshness::stale) : due_at(what->fresh_until_us, freshness::fresh);
  impl_->put(key, std::move(what), due);
  impl_->free_unseen();
  return true;
}

void page_table::put_stale(const std::string& key, page_ptr what) {
  std::lock_guard lock(impl_->guard);
  impl_->put(key, std::move(what), due_at(0, freshness::stale));
  impl_->free_unseen();
}

bool page_table::replace(const std::string& key, const page_ptr& from, page_ptr to) {
  std::lock_guard lock(impl_->guard);
  const record* old = impl_->lookup(key);
  if (!old || old->what != from)
    return false;
  // A reader may become the old one's leader just now: the worst that comes of it is a second leader.
  impl_->put(key, std::move(to), old->due.load(memory_order_relaxed));
  impl_->free_unseen();
  return true;
}

bool page_table::erase(std::string_view key) {
  std::lock_guard lock(impl_->guard);
  const record* what = impl_->lookup(key);
  if (what)
    impl_->remove(what);
  impl_->free_unseen();
  return what != nullptr;
}

std::vector<std::string> page_table::mark_stale(std::string_view tag, std::int64_t seq) {
  std::lock_guard lock(impl_->guard);
  if (seq > 0) {
    if (impl_->evicted.size() >= evictions_max && !impl_->evicted.contains(tag)) {
      for (const auto& [one, at] : impl_->evicted)
        impl_->evicted_floor = std::max(impl_->evicted_floor, at);
      impl_->evicted.clear();
    }
    auto& last = impl_->evicted[std::string(tag)];
    last = std::max(last, seq);
  }
  std::vector<std::string> keys;
  auto at = impl_->by_tag.find(tag);
  if (at == impl_->by_tag.end())
    return keys;
  for (const record* what : at->second) {
    if (seq > 0 && what->what->content_seq >= seq)
      continue;
    keys.emplace_back(what->key());
    // One that is being made again stays so: `put` judges what comes of it.
    auto due = what->due.load(memory_order_relaxed);
    while (freshness_of(due) == freshness::fresh &&
           !what->due.compare_exchange_weak(due, due_at(0, freshness::stale), memory_order_relaxed)) {
    }
  }
  return keys;
}

void page_table::lead_failed(std::string_view key, std::chrono::milliseconds pause) {
  std::lock_guard lock(impl_->guard);
  if (const record* what = impl_->lookup(key)) {
    auto due = what->due.load(memory_order_relaxed);
    auto again = now_us() + std::chrono::microseconds(pause).count();
    if (freshness_of(due) == freshness::revalidating)
      what->due.compare_exchange_strong(due, due_at(again, freshness::stale), memory_order_relaxed);
  }
}

void page_table::reclaim() {
  std::lock_guard lock(impl_->guard);
  impl_->free_unseen();
}

namespace {

page_table::entry entry_from(const record& what, std::int64_t now) {
  auto due = what.due.load(memory_order_relaxed);
  auto state = freshness_of(due);
  if (due <= now && state != page_table::freshness::stale) // fresh_until has passed, or its leader is lost
    state = page_table::freshness::stale;
  return {.key = std::string(what.key()),
          .bytes = what.bytes,
          .hits = what.hits.load(memory_order_relaxed),
          .state = state,
          .what = what.what};
}

} // namespace

std::vector<page_table::entry> page_table::entries() const {
  std::lock_guard lock(impl_->guard);
  std::vector<entry> all;
  all.reserve(impl_->size);
  auto now = now_us();
  for (auto& one : impl_->parts) {
    const index& cells = *one.now.load(memory_order_relaxed);
    for (std::size_t i = 0; i <= cells.mask; ++i)
      if (const record* what = cells.at(i).what.load(memory_order_relaxed))
        all.push_back(entry_from(*what, now));
  }
  return all;
}

std::optional<page_table::entry> page_table::entry_of(std::string_view key) const {
  std::lock_guard lock(impl_->guard);
  const record* what = impl_->lookup(key);
  return what ? std::optional(entry_from(*what, now_us())) : std::nullopt;
}

std::uint64_t page_table::hits_of(std::string_view key) const {
  std::lock_guard lock(impl_->guard);
  const record* what = impl_->lookup(key);
  return what ? what->hits.load(memory_order_relaxed) : 0;
}

std::size_t page_table::bytes() const {
  std::lock_guard lock(impl_->guard);
  return impl_->bytes;
}

std::size_t page_table::size() const {
  std::lock_guard lock(impl_->guard);
  return impl_->size;
}

std::size_t page_table::retired_bytes() const {
  std::lock_guard lock(impl_->guard);
  return impl_->waiting_bytes;
}

} // namespace lyceum
