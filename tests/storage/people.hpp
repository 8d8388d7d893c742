// SPDX-License-Identifier: Apache-2.0
// A school with people: what the tests of accounts share.
#pragma once

#include "engines.hpp"

#include "storage/account_changes.hpp"
#include "storage/accounts.hpp"
#include "storage/secrets.hpp"
#include "storage/sessions.hpp"
#include "storage/sign_in.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace lyceum::storage::test {

using namespace std::chrono_literals;

/// Why something was refused; nothing where it was done.
template <class T>
std::optional<problem::kind> refusal(const expected<T>& of) {
  return of ? std::nullopt : std::optional(of.error().what);
}

class people_test : public migrated_test {
protected:
  /// As 64 hexadecimal digits: a token's hash, a browser's, a code's.
  static std::string hash(std::string_view of) { return secrets::hash_of_token(of); }

  account make(std::string address, account_role role = account_role::learner) {
    return accounts::make(*db_, {std::move(address), "Somebody", role, "en"}, "test", new_year).value();
  }

  expected<session> try_open(const account& who, std::string_view token, unix_time now = new_year) {
    return sessions::open(*db_, {who.account_id, who.sign_in_epoch, hash(token), false, "Firefox", "203.0.113.x"}, now);
  }
  session open_session(const account& who, std::string_view token, unix_time now = new_year) {
    return try_open(who, token, now).value();
  }
  bool is_signed_in(std::string_view token, unix_time now = new_year) {
    return sessions::find(*db_, hash(token), now).has_value();
  }

  sign_in::wish wish_of(std::string address, std::string_view name, std::string_view browser = "browser") {
    return {std::move(address),
            "en",
            "/courses",
            hash(browser),
            {hash(std::string(name)), hash("code " + std::string(name))}};
  }

  std::vector<std::string> actions_of(id account_id) {
    std::vector<std::string> all;
    for (const auto& e : accounts::list_events(*db_, account_id, 100))
      all.push_back(e.action);
    return all;
  }

  /// Whether nodes are told of this account by what `work` does.
  template <class Work>
  bool tells_of(id account_id, Work work) {
    const auto before = account_seq(*db_);
    work();
    for (const auto& one : account_changes_since(*db_, before))
      if (one.account_id == account_id)
        return true;
    return false;
  }

  std::int64_t count(const query& what) {
    return *db_->one(what, [](const row& r) { return r.integer(0); });
  }

  /// `work(connection)` on `n` threads at once, each with a connection of its own; how many returned true.
  template <class Work>
  int at_once(int n, Work work) {
    std::atomic<int> ready = 0;
    std::atomic<int> yes = 0;
    std::vector<std::thread> all;
    for (int i = 0; i < n; ++i)
      all.emplace_back([&] {
        auto mine = connect(mode::writes, {.busy = 20s});
        ++ready;
        while (ready < n)
          std::this_thread::yield();
        yes += work(*mine) ? 1 : 0;
      });
    for (auto& one : all)
      one.join();
    return yes;
  }
};

} // namespace lyceum::storage::test
