// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/page_keeper.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lyceum {

/// The page cache: looks after the page table, as the owner of an ETS table does. What it decides is in `page_keeper`.
///
///   keep_page {key, what}      was put into the table: to be kept under its limits, encoded and stored; null: was taken out. No answer
///   evict_pages {tag, seq}     what depends on `tag` and was made before `seq` (0: all of it) is stale →
///   std::uint64_t: how many forget_page {key}          removed → bool: it was there ask_page_figures {}        →
///   page_figures list_pages {prefix, count} → page_list, the most asked for first show_page {key}            →
///   page_list of one, or none page_encoded {…}           from the encoder; for the cache itself
///
/// Crash: loops go on with the table, and the next page cache adopts it. A page that was in its mailbox is not kept, so
/// the next visitor makes it again; an eviction there is lost, so whoever sends one from a change of content waits for
/// the answer and sends it again (an eviction done twice costs nothing).
///
/// Bounds: sessions send at most one page each, and their number is limited; pages by `page_keeper::limits::bytes_max`.
/// Writes to disk, so it is detached.
struct keep_page {
  std::string key;
  page_ptr what;
};
struct evict_pages {
  std::string tag;
  std::int64_t seq = 0;
};
struct forget_page {
  std::string key;
};
struct ask_page_figures {};
struct page_figures {
  page_keeper::statistics now;
};
struct tidy_pages {}; ///< what is done once a second, now: the store's file is to be taken over. No answer
struct list_pages {
  std::string prefix;
  std::uint64_t count = 100;
};
struct show_page {
  std::string key;
};
struct page_list {
  std::vector<page_table::entry> pages;
};
struct page_encoded {
  std::string key;
  page_ptr from;
  page_ptr made;
};

/// Has a page encoded (`with_encodings`) somewhere else and gives what comes of it to `done`, on any thread; null where
/// it failed. Must not block. May also never answer: the cache gives up after `page_keeper::limits::encoding_wait`.
using page_encoder = std::function<void(const page_ptr& what, int brotli_quality, std::function<void(page_ptr)> done)>;

struct page_cache_state {
  static inline const char* name = "page_cache";
  std::unique_ptr<page_keeper> keeper;
};

/// To be spawned detached: `born.detached(page_cache, &table, &store, limits, encoder)`. Table and store outlive it;
/// `store` may be null. Without an encoder pages stay as they are.
caf::behavior page_cache(caf::stateful_actor<page_cache_state>* self, page_table* table, page_store* store,
                         page_keeper::limits limits, page_encoder encoder);

/// An encoder for the tree: compresses what it is sent, one after the other, and calls `done` with it.
///
///   encode_page {what, brotli_quality, done}   no answer but the call
///
/// Crash: what was in its mailbox is not encoded until its page changes; served as identity meanwhile. At most
/// `page_keeper::limits::encoding_max` messages wait there. Detached: brotli's best takes a third of a second for 200
/// KiB.
struct encode_page {
  page_ptr what;
  int brotli_quality = 5;
  std::function<void(page_ptr)> done;
};
caf::behavior page_encoder_actor(caf::event_based_actor* self);

// For crash reports: never a page's text.
inline std::string to_string(const keep_page& what) {
  return "keep_page " + what.key;
}
inline std::string to_string(const evict_pages& what) {
  return "evict_pages " + what.tag + " " + std::to_string(what.seq);
}
inline std::string to_string(const forget_page& what) {
  return "forget_page " + what.key;
}
inline std::string to_string(const ask_page_figures&) {
  return "ask_page_figures";
}
inline std::string to_string(const page_figures&) {
  return "page_figures";
}
inline std::string to_string(const tidy_pages&) {
  return "tidy_pages";
}
inline std::string to_string(const list_pages& what) {
  return "list_pages " + what.prefix;
}
inline std::string to_string(const show_page& what) {
  return "show_page " + what.key;
}
inline std::string to_string(const page_list&) {
  return "page_list";
}
inline std::string to_string(const page_encoded& what) {
  return "page_encoded " + what.key;
}
inline std::string to_string(const encode_page& what) {
  return "encode_page " + what.what->route;
}

} // namespace lyceum

// They stay in this process, so they need no serialisation.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::keep_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::evict_pages)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::forget_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::ask_page_figures)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::page_figures)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::tidy_pages)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::list_pages)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::show_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::page_list)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::page_encoded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::encode_page)
