// SPDX-License-Identifier: Apache-2.0
#include "actors/bounded_pages.hpp"

namespace lyceum {

std::vector<std::string> bounded_pages::put(const std::string& key, std::size_t bytes) {
  if (bytes > bytes_max_) {
    erase(key);
    return {key};
  }
  if (auto at = places_.find(key); at != places_.end()) {
    entry& there = *at->second;
    bytes_ = bytes_ - there.bytes + bytes;
    if (there.on_trial)
      trial_bytes_ = trial_bytes_ - there.bytes + bytes;
    there.bytes = bytes;
  } else {
    bool came_back = gone_set_.contains(std::hash<std::string>{}(key));
    queue& to = came_back ? main_ : trial_;
    to.push_back({.key = key, .bytes = bytes, .hits_seen = hits_(key), .on_trial = !came_back});
    places_.emplace(key, std::prev(to.end()));
    bytes_ += bytes;
    trial_bytes_ += came_back ? 0 : bytes;
  }
  std::vector<std::string> gone;
  make_room(gone);
  return gone;
}

bool bounded_pages::erase(const std::string& key) {
  auto at = places_.find(key);
  if (at == places_.end())
    return false;
  auto which = at->second;
  bytes_ -= which->bytes;
  trial_bytes_ -= which->on_trial ? which->bytes : 0;
  places_.erase(at);
  (which->on_trial ? trial_ : main_).erase(which);
  return true;
}

void bounded_pages::make_room(std::vector<std::string>& gone) {
  // Hits go on being counted meanwhile, so second chances are limited to one a page.
  std::size_t chances = places_.size();
  while (bytes_ > bytes_max_) {
    bool from_trial = main_.empty() || (!trial_.empty() && trial_bytes_ > bytes_max_ / 10);
    auto oldest = from_trial ? trial_.begin() : main_.begin();
    auto hits = hits_(oldest->key);
    if (hits == oldest->hits_seen || chances == 0) {
      evict(oldest, gone);
      continue;
    }
    --chances;
    oldest->hits_seen = hits;
    if (from_trial) {
      oldest->on_trial = false;
      trial_bytes_ -= oldest->bytes;
    }
    main_.splice(main_.end(), from_trial ? trial_ : main_, oldest);
  }
}

void bounded_pages::evict(place which, std::vector<std::string>& gone) {
  gone.push_back(which->key);
  if (which->on_trial)
    remember(which->key);
  erase(gone.back());
}

void bounded_pages::remember(const std::string& key) {
  auto hash = std::hash<std::string>{}(key);
  gone_.push_back(hash);
  gone_set_.insert(hash);
  while (gone_.size() > places_.size()) {
    gone_set_.erase(gone_set_.find(gone_.front()));
    gone_.pop_front();
  }
}

} // namespace lyceum
