// SPDX-License-Identifier: Apache-2.0
// The real program with a real mail host, on both engines.
#pragma once

#include "tests/actors/mail_host.hpp"
#include "tests/site/server.hpp"

#include "storage/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <tuple>

namespace lyceum::testing {

namespace out = storage::outbox;
using ::testing::HasSubstr;
using ::testing::Not;

inline std::string message_id_of(const std::string& text) {
  const auto from = text.find("Message-ID: ") + 12;
  return text.substr(from, text.find("\r\n", from) - from);
}

/// On SQLite, and on PostgreSQL where there is one.
struct mail_school : ::testing::TestWithParam<bool> {
  const scratch place;
  std::string database;
  std::optional<mail_host> host;
  std::optional<server> school;
  std::unique_ptr<storage::db> db;

  void SetUp() override {
    if (!GetParam())
      return;
    database = fresh_postgres();
    if (database.empty())
      GTEST_SKIP() << "no PostgreSQL: tests/peers/postgres.sh run ctest … starts one";
  }

  void start_host(std::vector<std::string> options = {}) {
    fs::create_directories(place / "host");
    options.insert(options.begin(), {"--tls", "none"});
    host.emplace("aiosmtpd", place / "host", std::move(options));
    if (host->is_missing())
      GTEST_SKIP() << "aiosmtpd IS NOT INSTALLED: MAIL BY THE SITE IS NOT TESTED";
    ASSERT_NE(host->port(), 0);
  }

  /// The program whose mails need no templates. `port` 0: without a mail host.
  void start_school(int port, std::vector<std::string> arguments = {}, std::vector<std::string> environment = {}) {
    environment.emplace_back("LYCEUM_MAIL_FROM=School <school@school.example>");
    if (port != 0)
      environment.push_back("SMTP_URL=smtp://127.0.0.1:" + std::to_string(port));
    school.emplace(server::options{.content = sample_school(),
                                   .database = database,
                                   .arguments = std::move(arguments),
                                   .environment = std::move(environment),
                                   .data = place / "data",
                                   .faults = true});
    ASSERT_TRUE(school->ready()) << school->log();
    ASSERT_TRUE(eventually([&] { return school->get("/").status == 200; }, 10s));
    db = storage::open(database.empty() ? "sqlite:" + (place / "data/lyceum.db").string() : database,
                       storage::mode::writes);
  }

  id put(const std::string& recipient, const std::string& template_name = "receipt",
         mail_urgency urgency = mail_urgency::ordinary) {
    const mail_draft what{.recipient = recipient + "@example.com",
                          .template_name = template_name,
                          .cause = "payment:1",
                          .language = "en",
                          .details = R"({"for":")" + recipient + "\"}",
                          .urgency = urgency};
    return db->transaction([&] { return out::put(*db, what, "school.example", now_utc()); }).value().number;
  }
  /// ann0, ann1 … one after the other, by somebody else. To be joined.
  std::thread put_many(int mails, std::chrono::milliseconds pause) {
    return std::thread([this, mails, pause] {
      const auto mine = storage::open(database.empty() ? "sqlite:" + (place / "data/lyceum.db").string() : database,
                                      storage::mode::writes);
      for (int i = 0; i < mails; ++i) {
        const mail_draft what{.recipient = "ann" + std::to_string(i) + "@example.com",
                              .template_name = "receipt",
                              .cause = "payment:1",
                              .language = "en"};
        mine->transaction([&] { std::ignore = out::put(*mine, what, "school.example", now_utc()).value(); });
        std::this_thread::sleep_for(pause);
      }
    });
  }
  mail shown(id number) { return out::find(*db, number).value(); }
  std::int64_t count(mail_state state) {
    std::int64_t mails = 0;
    for (const auto& one : out::counts(*db))
      mails += one.state == state ? one.mails : 0;
    return mails;
  }
  bool becomes(id number, mail_state state, std::chrono::milliseconds patience = 10s) {
    return eventually([&] { return shown(number).state == state; }, patience);
  }
  std::vector<taken_mail> taken() const { return mails_taken(place / "host"); }
  /// How often each was taken, by its recipient; and that all had one Message-ID.
  std::map<std::string, int> arrivals() {
    std::map<std::string, int> all;
    std::map<std::string, std::set<std::string>> ids;
    for (const auto& one : taken()) {
      ++all[one.to];
      ids[one.to].insert(message_id_of(one.text));
      EXPECT_EQ(ids[one.to].size(), 1u) << one.to;
    }
    return all;
  }
  std::string health() const {
    const auto told = school->ctl({"--json", "health"}); // for people, sentences are cut
    return told.out + told.err;
  }
};

#define WITH_MAIL_ON_BOTH_ENGINES(test)                                                                                \
  INSTANTIATE_TEST_SUITE_P(engines, test, ::testing::Bool(),                                                           \
                           [](const auto& one) { return one.param ? "postgresql" : "sqlite"; })

} // namespace lyceum::testing
