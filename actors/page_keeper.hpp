// SPDX-License-Identifier: Apache-2.0
// What the page cache decides, without its mailbox. Knows neither CAF nor Beast.
#pragma once

#include "actors/bounded_pages.hpp"
#include "actors/page_store.hpp"
#include "actors/page_table.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace lyceum {

/// Puts what the store kept into the table, before anyone asks. Returns how many pages. `content_seq`: the content's
/// sequence number now, as the database has it; where it is past what the store knows of, content changed while no
/// server looked, and every page that depends on content is stale. 0: the database cannot be asked, and the pages are
/// believed.
std::size_t load_pages(page_table& to, page_store& from, std::int64_t content_seq = 0);

/// Who looks after the page table: keeps it under its limit of bytes, has pages encoded in the background, and writes
/// them to the store. Holds nothing that matters: a new one adopts the table and goes on. One thread; table and store,
/// which it shares, look after themselves.
class page_keeper {
public:
  using clock = std::chrono::steady_clock;
  /// Has a page encoded elsewhere (`with_encodings`); what comes of it is brought to `encoded`, with `from` as given
  /// here.
  using encoder = std::function<void(const std::string& key, const page_ptr& from, int brotli_quality)>;

  struct limits {
    std::size_t bytes_max = std::size_t{256} << 20;
    std::size_t encoding_max = 4;           ///< asked for and not answered; the others wait, as keys
    std::chrono::seconds encoding_wait{30}; ///< after that the encoder has lost it, and identity it is
    int brotli_quality = 5;                 ///< 11 for what is named by its content
  };

  struct statistics {
    std::size_t pages = 0;
    std::size_t bytes = 0;
    std::size_t bytes_max = 0;
    std::size_t retired_bytes = 0; ///< replaced, but a loop may still be sending it
    std::size_t stale = 0;
    std::uint64_t hits = 0; ///< of the pages that are there
    std::uint64_t puts = 0; ///< since this keeper began, as all below
    std::uint64_t marked_stale = 0;
    std::uint64_t dropped_for_room = 0;
    std::uint64_t encoded = 0;
    std::size_t encoding_waits = 0; ///< asked for or waiting now
    page_store::figures store;
  };

  /// `store` may be null. Adopts what the table holds.
  page_keeper(page_table& table, page_store* store, limits, encoder ask);
  page_keeper(const page_keeper&) = delete;
  page_keeper& operator=(const page_keeper&) = delete;

  /// Told of a page that whoever made it has put into the table. Does nothing where the table has another one by now (its
  /// own message follows) or none (somebody took it out: it must not come back). One larger than the limit is taken out.
  void published(const std::string& key, const page_ptr& what);
  /// Told of a page that somebody took out of the table: it shall not come back from the store. Does nothing where one is there again.
  void taken_out(const std::string& key);
  /// What came of encoding `from`; null where it failed.
  void encoded(const std::string& key, const page_ptr& from, page_ptr made);
  /// Marks as stale what depends on `tag` and was made before `seq` (0: all of it). Returns how many pages.
  std::size_t evict(const std::string& tag, std::int64_t seq);
  /// Removes one page. True if it was there.
  bool erase(const std::string& key);
  /// Frees what no loop looks at any more, gives up on lost encodings, tidies the store. To be called about once a
  /// second.
  void tick(clock::time_point now);

  statistics stats() const;
  /// Pages whose key begins with `prefix`, the most asked for first, at most `count`.
  std::vector<page_table::entry> list(std::string_view prefix, std::size_t count) const;
  std::optional<page_table::entry> show(std::string_view key) const { return table_.entry_of(key); }

private:
  struct asked {
    page_ptr from;
    clock::time_point until;
  };

  void keep(const std::string& key, const page_ptr& what);
  void want_encoding(const std::string& key);
  void ask_for_more();
  void write(const std::string& key, const page& what);

  page_table& table_;
  page_store* store_;
  limits limits_;
  encoder ask_;
  bounded_pages pages_;
  std::deque<std::string> waiting_; // to be encoded
  std::unordered_set<std::string> waiting_set_;
  std::unordered_map<std::string, asked> asked_;
  bool asking_ = false;
  statistics counted_;
};

} // namespace lyceum
