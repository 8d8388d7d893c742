// SPDX-License-Identifier: Apache-2.0
// What a page table is made of: shared by its writers' side and its readers' side. Not for others.
#pragma once

#include "actors/page_hash.hpp"
#include "actors/page_table.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <random>

namespace lyceum {
namespace table_parts {

using std::memory_order_acquire, std::memory_order_relaxed, std::memory_order_release, std::memory_order_seq_cst;

constexpr std::size_t part_count = 64;
constexpr std::uint64_t nobody_reads = UINT64_MAX;

// When a page may next be led, and what it is until then, in one word: unix microseconds, whose two lowest bits are a
// freshness. A reader compares once; the compare-and-swap of the one who finds it due makes exactly one leader.
using due_word = std::int64_t;
constexpr due_word freshness_bits = 3;

inline due_word due_at(std::int64_t us, page_table::freshness what) {
  return (us & ~freshness_bits) | static_cast<due_word>(what);
}
inline page_table::freshness freshness_of(due_word due) {
  return static_cast<page_table::freshness>(due & freshness_bits);
}

class record;
struct record_end {
  void operator()(const record* what) const;
};
using record_ptr = std::unique_ptr<const record, record_end>;

/// A page under its key. The key's bytes follow the record in memory, so that comparing them is no further cache miss.
class record {
public:
  static record_ptr make(std::uint64_t hash, std::string_view key, page_ptr what, due_word due, std::uint64_t hits) {
    void* memory = ::operator new(sizeof(record) + key.size());
    std::memcpy(static_cast<char*>(memory) + sizeof(record), key.data(), key.size());
    return record_ptr(new (memory) record(hash, key.size(), std::move(what), due, hits));
  }
  record(const record&) = delete;
  record& operator=(const record&) = delete;

  std::string_view key() const { return {reinterpret_cast<const char*>(this) + sizeof(record), key_size_}; }

  const std::uint64_t hash;
  const page_ptr what;
  mutable std::atomic<due_word> due;
  mutable std::atomic<std::uint64_t> hits; // seldom written once there are many, so that readers can share its line
  const std::size_t bytes;

private:
  friend struct record_end;
  record(std::uint64_t hash_of_key, std::size_t key_size, page_ptr of, due_word first_due, std::uint64_t first_hits)
      : hash(hash_of_key), what(std::move(of)), due(first_due), hits(first_hits), bytes(what->bytes() + key_size),
        key_size_(key_size) {}
  ~record() = default;
  const std::size_t key_size_;
};
inline void record_end::operator()(const record* what) const {
  what->~record();
  ::operator delete(const_cast<record*>(what));
}

/// One part of the index: open addressing, linear probing, never more than three quarters full. A cell with a hash and
/// no record was erased; it keeps its place so that probing goes on behind it.
struct cell {
  std::atomic<std::uint64_t> hash = 0; // 0: never used
  std::atomic<const record*> what = nullptr;
};

struct index {
  explicit index(std::size_t cells) : mask(cells - 1), cells_(std::make_unique<cell[]>(cells)) {}
  const std::size_t mask;
  std::size_t used = 0; // cells with a hash; the writers' business

  cell& at(std::size_t i) { return cells_[i & mask]; }
  const cell& at(std::size_t i) const { return cells_[i & mask]; }

private:
  std::unique_ptr<cell[]> cells_;
};

struct alignas(64) part {
  std::atomic<index*> now = nullptr;
  std::size_t live = 0;
};

/// What one reader says to writers: since which epoch it has been looking at records, or `nobody_reads`.
struct alignas(64) announcement {
  std::atomic<std::uint64_t> since = nobody_reads;
  bool taken = false; // by a reader; guarded by the table's lock
};

struct retired {
  std::uint64_t epoch = 0;
  record_ptr page;
  std::unique_ptr<index> part;
};

struct string_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return quick_hash(text, 0x6c796365756d); }
};

inline std::int64_t now_us() {
  return micros(now_utc());
}

} // namespace table_parts

using namespace table_parts; // two sources include this file, and they are about nothing else

struct page_table::impl {
  explicit impl(std::size_t readers_max) : readers(readers_max) {
    std::random_device entropy;
    seed = (std::uint64_t{entropy()} << 32) | entropy(); // nobody outside can aim keys at one cell
    for (auto& one : parts)
      one.now.store(new index(16), memory_order_relaxed);
  }
  ~impl() {
    for (auto& one : parts) {
      std::unique_ptr<index> cells(one.now.load(memory_order_relaxed));
      for (std::size_t i = 0; i <= cells->mask; ++i)
        record_ptr(cells->at(i).what.load(memory_order_relaxed));
    }
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  std::uint64_t hash_of(std::string_view key) const {
    auto hash = quick_hash(key, seed);
    return hash == 0 ? 1 : hash;
  }
  // The cell's place comes from the low bits, so the part comes from the high ones.
  part& part_of(std::uint64_t hash) { return parts[hash >> 58]; }

  /// For readers and writers alike. The loads of pointers are sequentially consistent: with a reader's announcement and
  /// a writer's look at it they decide whether a record may be freed.
  const record* lookup(std::string_view key, std::uint64_t hash) {
    const index* cells = part_of(hash).now.load(memory_order_seq_cst);
    for (std::size_t i = hash;; ++i) {
      const cell& one = cells->at(i);
      auto there = one.hash.load(memory_order_acquire);
      if (there == 0)
        return nullptr;
      if (there != hash)
        continue;
      const record* what = one.what.load(memory_order_seq_cst);
      if (what && what->key() == key)
        return what;
    }
  }
  const record* lookup(std::string_view key) { return lookup(key, hash_of(key)); }

  // All below: with `guard` held.
  cell* cell_of(const record& what);
  cell& empty_cell(std::uint64_t hash);
  void insert(record_ptr what);
  void remove(const record* what);
  void resize(part& of);
  void add_tags(const record& what);
  void drop_tags(const record& what);
  bool evicted_since(const page& what) const;
  void put(std::string_view key, page_ptr what, due_word due);
  void retire(record_ptr what, std::unique_ptr<index> cells = nullptr);
  void free_unseen();

  std::uint64_t seed = 0;
  std::array<part, part_count> parts;
  std::vector<announcement> readers;
  std::atomic<std::uint64_t> epoch = 1;

  mutable std::mutex guard; // writers', and of those who are no loops; a reader never takes it
  boost::unordered_flat_map<std::string, boost::unordered_flat_set<const record*>, string_hash, std::equal_to<>> by_tag;
  boost::unordered_flat_map<std::string, std::int64_t, string_hash, std::equal_to<>> evicted; // tag → sequence
  std::int64_t evicted_floor = 0; // counts for every tag; see `evictions_max`
  std::deque<retired> waiting;    // oldest first
  std::size_t waiting_bytes = 0;
  std::size_t bytes = 0;
  std::size_t size = 0;
};

} // namespace lyceum
