// SPDX-License-Identifier: Apache-2.0
#include "actors/page_keeper.hpp"

#include <algorithm>

namespace lyceum {
namespace {

constexpr int brotli_best = 11;
constexpr std::size_t encoded_from = 1024; // see with_encodings

bool lacks_encodings(const page& what) {
  return !what.gzip && !what.brotli && what.identity->body.size() >= encoded_from;
}

} // namespace

std::size_t load_pages(page_table& to, page_store& from, std::int64_t content_seq) {
  bool changed_unseen = content_seq > from.newest_seq();
  auto kept = from.take();
  for (auto& one : kept) {
    // A page without a sequence depends on no content.
    bool stale = one.stale || (changed_unseen && one.what->content_seq != 0);
    if (stale)
      to.put_stale(one.key, std::move(one.what));
    else
      to.put(one.key, std::move(one.what));
  }
  return kept.size();
}

page_keeper::page_keeper(page_table& table, page_store* store, limits bounds, encoder ask)
    : table_(table), store_(store), limits_(bounds), ask_(std::move(ask)),
      pages_(bounds.bytes_max, [&table](const std::string& key) { return table.hits_of(key); }) {
  // The least asked for first, as if they had come in that order: they go first when there are too many.
  auto there = table_.entries();
  std::ranges::sort(there, {}, &page_table::entry::hits);
  for (const auto& one : there) {
    keep(one.key, one.what);
    if (lacks_encodings(*one.what))
      want_encoding(one.key);
  }
}

void page_keeper::published(const std::string& key, const page_ptr& what) {
  ++counted_.puts;
  if (table_.find(key) != what)
    return;
  keep(key, what);
  if (!pages_.holds(key))
    return;
  if (lacks_encodings(*what))
    want_encoding(key); // and written when that is done, once
  else
    write(key, *what);
}

void page_keeper::taken_out(const std::string& key) {
  if (!table_.find(key))
    erase(key);
}

/// Tells the policy of a page in the table, and removes what must go for it.
void page_keeper::keep(const std::string& key, const page_ptr& what) {
  for (const auto& gone : pages_.put(key, what->bytes() + key.size())) {
    ++counted_.dropped_for_room;
    table_.erase(gone);
    if (store_)
      store_->erase(gone);
  }
}

void page_keeper::write(const std::string& key, const page& what) {
  if (store_)
    store_->put(key, what, table_.state_of(key) != page_table::freshness::fresh);
}

void page_keeper::want_encoding(const std::string& key) {
  if (waiting_set_.insert(key).second)
    waiting_.push_back(key);
  ask_for_more();
}

void page_keeper::ask_for_more() {
  if (asking_) // an encoder that answers at once
    return;
  asking_ = true;
  while (asked_.size() < limits_.encoding_max && !waiting_.empty()) {
    auto key = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_set_.erase(key);
    auto from = table_.find(key);
    if (!from || !lacks_encodings(*from) ||
        asked_.contains(key)) // where it is asked for already, `encoded` looks again
      continue;
    asked_[key] = {from, clock::now() + limits_.encoding_wait};
    ask_(key, from, from->immutable ? brotli_best : limits_.brotli_quality);
  }
  asking_ = false;
}

void page_keeper::encoded(const std::string& key, const page_ptr& from, page_ptr made) {
  auto at = asked_.find(key);
  if (at != asked_.end() && at->second.from == from)
    asked_.erase(at);
  if (made && table_.replace(key, from, made)) {
    ++counted_.encoded;
    keep(key, made);
    if (pages_.holds(key))
      write(key, *made);
  } else if (auto there = table_.find(key); there == from && from) {
    write(key, *from);
  } else if (there && lacks_encodings(*there)) {
    want_encoding(key); // replaced while it was being encoded
  }
  ask_for_more();
}

std::size_t page_keeper::evict(const std::string& tag, std::int64_t seq) {
  auto keys = table_.mark_stale(tag, seq);
  counted_.marked_stale += keys.size();
  if (store_ && (!keys.empty() || seq > store_->newest_seq()))
    store_->evicted(tag, seq);
  return keys.size();
}

bool page_keeper::erase(const std::string& key) {
  pages_.erase(key);
  if (store_)
    store_->erase(key);
  return table_.erase(key);
}

void page_keeper::tick(clock::time_point now) {
  table_.reclaim();
  std::vector<std::pair<std::string, page_ptr>> lost;
  for (const auto& [key, one] : asked_)
    if (one.until <= now)
      lost.emplace_back(key, one.from);
  for (const auto& [key, from] : lost)
    encoded(key, from, nullptr);
  if (store_ && store_->wants_rewrite())
    store_->rewrite(table_.entries());
}

page_keeper::statistics page_keeper::stats() const {
  auto now = counted_;
  for (const auto& one : table_.entries()) {
    ++now.pages;
    now.bytes += one.bytes;
    now.hits += one.hits;
    now.stale += one.state != page_table::freshness::fresh;
  }
  now.bytes_max = limits_.bytes_max;
  now.retired_bytes = table_.retired_bytes();
  now.encoding_waits = waiting_.size() + asked_.size();
  if (store_)
    now.store = store_->now();
  return now;
}

std::vector<page_table::entry> page_keeper::list(std::string_view prefix, std::size_t count) const {
  auto all = table_.entries();
  std::erase_if(all, [prefix](const page_table::entry& one) { return !one.key.starts_with(prefix); });
  std::ranges::sort(all,
                    [](const auto& a, const auto& b) { return a.hits != b.hits ? a.hits > b.hits : a.key < b.key; });
  all.resize(std::min(all.size(), count));
  return all;
}

} // namespace lyceum
