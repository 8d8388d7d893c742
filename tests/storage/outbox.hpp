// SPDX-License-Identifier: Apache-2.0
// What the outbox's tests have in common.
#pragma once

#include "engines.hpp"

#include "storage/outbox.hpp"

#include <gmock/gmock.h>

namespace lyceum::storage::test {

namespace out = outbox;
using namespace std::chrono_literals;

class outbox_test : public migrated_test {
protected:
  static mail_draft draft(std::string recipient, std::string cause = "payment:1") {
    return {.recipient = std::move(recipient),
            .recipient_name = "Ann Ång",
            .template_name = "receipt",
            .cause = std::move(cause),
            .language = "en",
            .details = R"({"total":"12 €"})"};
  }
  id put(const mail_draft& what) {
    const auto made = db_->transaction([&] { return out::put(*db_, what, "school.example", now_); });
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().detail);
    EXPECT_TRUE(!made || made->fresh);
    return made ? made->number : 0;
  }
  id put_for(const std::string& recipient) { return put(draft(recipient)); }

  std::vector<out::claimed_mail> claim(int count = 1, mail_rate rate = {}) {
    return out::claim(*db_, {.holder = "node 0 smtp-1", .count = count, .rate = rate}, now_);
  }
  /// The one mail that is due. Fails the test where there is another number of them.
  out::claimed_mail claim_the_one() {
    auto taken = claim(10);
    EXPECT_EQ(taken.size(), 1u);
    return taken.empty() ? out::claimed_mail{} : taken.front();
  }
  std::optional<mail_state> settle(const out::claimed_mail& held, delivery::result how, std::string reason = "words") {
    const auto became = out::settle(*db_, held, {how, std::move(reason)}, now_, 0.5);
    return became ? std::optional(*became) : std::nullopt;
  }
  mail shown(id number) { return out::find(*db_, number).value(); }
  std::vector<std::string> recipients(const std::vector<out::claimed_mail>& taken) {
    std::vector<std::string> names;
    for (const auto& one : taken)
      names.push_back(one.what.what.recipient);
    return names;
  }
  template <class T>
  static problem::kind trouble(const expected<T>& result) {
    EXPECT_FALSE(result.has_value());
    return result ? problem::kind::internal : result.error().what;
  }

  unix_time now_ = new_year;
};

} // namespace lyceum::storage::test
