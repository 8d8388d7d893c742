// SPDX-License-Identifier: Apache-2.0
#include "actors/flights.hpp"

#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lyceum {
namespace {

response too_many_waiting() {
  response answer;
  answer.status = 503;
  answer.headers.push_back({"Retry-After", "1"});
  return answer;
}

} // namespace

struct flights::board_of {
  /// False where the flight is full.
  static bool join(std::vector<reply_ptr>& aboard, const reply_ptr& who) {
    if (aboard.size() >= waiting_max)
      std::erase_if(aboard, [](const reply_ptr& one) { return one->done(); }); // those whom their deadline has answered
    if (aboard.size() >= waiting_max)
      return false;
    aboard.push_back(who);
    return true;
  }

  void land(const std::string& key, response&& answer) {
    std::vector<reply_ptr> aboard;
    {
      std::lock_guard lock(guard);
      auto at = waiting.find(key);
      aboard = std::move(at->second);
      waiting.erase(at);
    }
    // Outside the lock: a delivery may do anything, board another flight of this key included. The one who led comes
    // last and gets the answer itself, the others a copy each.
    response shared;
    if (aboard.size() > 1) {
      shared = answer;
      // One visitor's cookie is for that visitor. A keyed page sets none; if one ever does, it ends here.
      std::erase_if(shared.headers, [](const header& one) { return iequals(one.name, "Set-Cookie"); });
    }
    for (std::size_t i = aboard.size(); i-- > 1;)
      if (!aboard[i]->done())
        aboard[i]->fulfil(response(shared));
    aboard.front()->fulfil(std::move(answer));
  }

  std::mutex guard;
  std::unordered_map<std::string, std::vector<reply_ptr>> waiting; // the first is who led
};

flights::flights() : board_(std::make_shared<board_of>()) {}

bool flights::board(const job_ptr& what) {
  if (what->cache_key.empty())
    return true;
  {
    std::unique_lock lock(board_->guard);
    auto [at, first] = board_->waiting.try_emplace(what->cache_key);
    if (!first) {
      if (board_->join(at->second, what->reply))
        return false;
      lock.unlock();
      what->reply->fulfil(too_many_waiting());
      return false;
    }
    at->second.push_back(what->reply);
  }
  what->reply = std::make_shared<reply_slot>(
      [board = board_, key = what->cache_key](response&& answer) { board->land(key, std::move(answer)); });
  return true;
}

std::size_t flights::in_flight() const {
  std::lock_guard lock(board_->guard);
  return board_->waiting.size();
}

} // namespace lyceum
