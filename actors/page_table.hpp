// SPDX-License-Identifier: Apache-2.0
// The page table: read by the I/O loops without asking anyone, written by the page cache. Knows neither CAF nor Beast.
#pragma once

#include "actors/page.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum {

namespace table_parts {
class record;
}

/// Finished pages by key, as an ETS table is: it outlives the actor that writes it, and reading takes no lock,
/// allocates nothing and asks nobody.
///
/// Key: tier class, path, allow-listed query. For an anonymous visitor without a query it is the path exactly as it is
/// sent in a normal request ("/fr/courses/basics"), so that the hot path looks up the target's bytes; otherwise
/// `page_key` makes it.
///
/// The index has 64 parts, each an open-addressed array that readers see through one atomic pointer: a key is added in
/// place, and the array is copied only to grow. A cell of it is an atomic pointer to a page's record. What a writer
/// takes out is freed once every reader that could have seen it has passed a quiet point. A reader that never does (a
/// loop that hangs) stops neither readers nor writers; what is replaced meanwhile stays in memory (`retired_bytes`)
/// until it does.
class page_table {
public:
  enum class freshness {
    fresh,
    stale,        ///< to be served only while someone makes a new one, or when that fails
    revalidating, ///< stale, and someone is making a new one
  };

  /// Who leads and is not heard of again (neither `put` nor `lead_failed`) is taken for dead after this long.
  static constexpr std::chrono::seconds lead_max{10};
  /// Evictions remembered by tag, to judge pages that were being made meanwhile. Beyond it all of them count for every
  /// tag.
  static constexpr std::size_t evictions_max = 65536;

  struct found {
    const page* what = nullptr; ///< null: a miss. Valid until the reader's next `quiet()`
    bool lead = false;          ///< the page is stale and this caller is the one to ask for a new one
  };

  /// One for each I/O loop, used by its thread alone. Must be gone before the table is.
  class reader;

  explicit page_table(std::size_t readers_max = 64);
  ~page_table();
  page_table(const page_table&) = delete;
  page_table& operator=(const page_table&) = delete;

  /// Throws std::length_error when `readers_max` are alive.
  std::unique_ptr<reader> make_reader();

  /// For threads that are not loops (sessions, tests): takes a lock. Never leads.
  page_ptr find(std::string_view key) const;
  freshness state_of(std::string_view key) const;

  /// Publishes a page, fresh, or stale where a tag of it was evicted at a later content sequence than the page was made
  /// from. False where such a late one would take the place of a page made from newer content: that one stays.
  bool put(const std::string& key, page_ptr what);
  /// As `put`, but stale from the start: kept to be served until someone has made a new one (the store's stale pages).
  void put_stale(const std::string& key, page_ptr what);
  /// Puts `to` in the place of `from` (its encodings, say), as fresh or stale as that was. False where the key holds
  /// another page.
  bool replace(const std::string& key, const page_ptr& from, page_ptr to);
  /// Removes one page. True if it was there.
  bool erase(std::string_view key);
  /// Marks every page that depends on `tag` and was made before content sequence `seq` as stale; returns their keys.
  /// Costs time in proportion to what it marks. `seq` 0 means: as of now, whatever its sequence.
  std::vector<std::string> mark_stale(std::string_view tag, std::int64_t seq);
  /// A try to make a new page failed: the old one may be led again after `pause`.
  void lead_failed(std::string_view key, std::chrono::milliseconds pause);
  /// Frees what no reader can see any more. Called by the page cache now and then, and by `put`.
  void reclaim();

  struct entry {
    std::string key;
    std::size_t bytes = 0;
    std::uint64_t hits = 0; ///< exact up to 256, then an estimate: one in 16 is counted, as 16
    freshness state = freshness::fresh;
    page_ptr what;
  };
  /// Every entry (a copy); for statistics, `ctl cache list`, adoption by a new page cache.
  std::vector<entry> entries() const;
  std::optional<entry> entry_of(std::string_view key) const;
  std::uint64_t hits_of(std::string_view key) const;
  std::size_t bytes() const;
  std::size_t size() const;
  std::size_t retired_bytes() const; ///< taken out, not freed yet: a reader may still look at it

private:
  struct impl;
  std::unique_ptr<impl> impl_;
  friend class reader;
};

class page_table::reader {
public:
  ~reader();
  /// The page for a key, if there is one. `now_us` is the loop's coarse clock (for `fresh_until_us`).
  found find(std::string_view key, std::int64_t now_us);
  /// The same for a page that every tier may have (`page::alike`); of another one it takes no notice.
  found find_alike(std::string_view key, std::int64_t now_us);
  /// Call once a loop turn, when no `page*` from `find` is in use any more.
  void quiet() noexcept;
  /// A page that must live past `quiet()`, for an answer that could not be written at once.
  page_ptr hold(const page*);

private:
  friend class page_table;
  reader(page_table::impl& table, std::size_t place);
  void announce();
  found take(const table_parts::record& what, std::int64_t now_us);
  page_table::impl& table_;
  std::size_t place_;    // which of the table's announcements is this reader's
  bool reading_ = false; // announced: what is taken out from now on stays until `quiet`
  std::uint32_t dice_;   // for the sampling of hits
};

/// What stands before the path in the key of a tier's page: "", "members ", "paid ", "plan:gold ", "staff ". No path begins so.
std::string tier_prefix(const viewer& who);
/// The viewer whose prefix this is; nothing where it is none.
std::optional<viewer> viewer_of_tier(std::string_view prefix);

/// The key of a page: `path` (decoded) and `query` as normalised (path decoded and encoded again in one way; of the
/// query only what `allowed` names, sorted by name). The tier class is left out for anonymous visitors.
std::string page_key(const viewer& who, std::string_view path,
                     const std::vector<std::pair<std::string, std::string>>& query,
                     const std::vector<std::string>& allowed);

} // namespace lyceum
