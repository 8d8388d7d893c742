// SPDX-License-Identifier: Apache-2.0
// Requests to sign in against a plain list of them: whatever is asked, looked at, used, guessed wrong and waited for, in whatever order.
#include "people.hpp"

#include <algorithm>
#include <rapidcheck/gtest.h>

namespace lyceum::storage::test {
namespace {

struct plain_request {
  std::string name;
  std::string address;
  std::string browser;
  unix_time asked_at;
  bool used = false;
  int tries_left = sign_in::tries_max;

  bool waits(unix_time now) const { return !used && now < asked_at + sign_in::request_life; }
  bool lives(unix_time now) const { return waits(now) && tries_left > 0; }
};

class plain_requests {
public:
  void ask(const plain_request& r) {
    all_.push_back(r);
    int room = sign_in::requests_live_max;
    for (auto at = all_.end(); at != all_.begin();) {
      --at;
      if (at->address == r.address && at->waits(r.asked_at) && room-- <= 0)
        at = all_.erase(at);
    }
  }
  plain_request* find(const std::string& name, unix_time now) {
    const auto at = std::ranges::find(all_, name, &plain_request::name);
    return at != all_.end() && at->lives(now) ? &*at : nullptr;
  }
  problem::kind use_link(const std::string& name, const std::string& browser, bool confirmed, unix_time now) {
    auto* r = find(name, now);
    if (!r)
      return problem::kind::not_found;
    if (!confirmed && r->browser != browser)
      return problem::kind::forbidden;
    r->used = true;
    return fine;
  }
  problem::kind use_code(const std::string& name, const std::string& address, const std::string& browser,
                         unix_time now) {
    bool any = false;
    plain_request* right = nullptr;
    for (auto& r : all_)
      if (r.lives(now) && r.address == address && r.browser == browser) {
        any = true;
        --r.tries_left;
        if (r.name == name)
          right = &r;
      }
    if (right)
      right->used = true;
    return right ? fine : any ? problem::kind::invalid : problem::kind::not_found;
  }

  static constexpr auto fine = problem::kind::internal; // no verb answers with it

private:
  std::vector<plain_request> all_;
};

problem::kind kind_of(const expected<sign_in::outcome>& led_to) {
  return led_to ? plain_requests::fine : led_to.error().what;
}

class sign_in_property : public people_test {
protected:
  int round_ = 0;

  void try_steps() {
    const std::string round = std::to_string(++round_) + " ";
    const auto word = [&](const char* what, int of) { return round + what + std::to_string(*rc::gen::inRange(0, of)); };
    plain_requests model;
    int asked = 0;
    auto now = new_year;
    for (int step = *rc::gen::inRange(1, 40); step > 0; --step) {
      const auto address = word("@address", 2);
      const auto browser = word("browser", 2);
      const auto name = round + "mail" + std::to_string(*rc::gen::inRange(0, asked + 1));
      switch (*rc::gen::weightedElement<int>({{3, 0}, {3, 1}, {1, 2}, {8, 3}, {1, 4}})) {
      case 0: {
        const plain_request r{round + "mail" + std::to_string(asked++), address, browser, now};
        RC_ASSERT(sign_in::ask(*db_, wish_of(address, r.name, browser), now).has_value());
        model.ask(r);
        break;
      }
      case 1:
        RC_ASSERT(sign_in::find(*db_, hash(name), now).has_value() == (model.find(name, now) != nullptr));
        break;
      case 2: {
        const bool confirmed = *rc::gen::arbitrary<bool>();
        RC_ASSERT(kind_of(sign_in::use_link(*db_, hash(name), hash(browser), confirmed, now)) ==
                  model.use_link(name, browser, confirmed, now));
        break;
      }
      case 3:
        RC_ASSERT(kind_of(sign_in::use_code(*db_, sign_in::purpose::sign_in, address, hash(browser),
                                            hash("code " + name), now)) == model.use_code(name, address, browser, now));
        break;
      default:
        now += std::chrono::minutes(*rc::gen::inRange(0, 8));
      }
    }
  }
};
ON_BOTH_ENGINES(sign_in_property);

TEST_P(sign_in_property, requests_live_and_die_as_a_plain_list_says) {
  EXPECT_TRUE(rc::check("a plain list says the same", [this] { try_steps(); }));
}

} // namespace
} // namespace lyceum::storage::test
