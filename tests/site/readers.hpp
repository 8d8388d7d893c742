// SPDX-License-Identifier: Apache-2.0
// A school with a lesson for each kind of access, and people who are signed in to it: their rows are put into the database by hand.
#pragma once

#include "storage/account_changes.hpp"
#include "storage/accounts.hpp"
#include "storage/db.hpp"
#include "storage/digest.hpp"
#include "storage/grants.hpp"
#include "storage/second_factor.hpp"
#include "storage/secrets.hpp"
#include "storage/sessions.hpp"
#include "tests/site/server.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <map>

namespace lyceum::testing {

namespace json = boost::json;

/// The octets of a lesson's film, captions or picture: nobody here looks at them.
inline std::string octets_of(const std::string& lesson, const std::string& kind) {
  return "WEBVTT\n\n00:00.000 --> 00:01.000\nSECRET-" + lesson + " " + kind + "\n";
}

/// Where one of these is served.
inline std::string media_of(const std::string& lesson, const std::string& kind) {
  const std::map<std::string, std::string> numbers = {
      {"open", "01"}, {"members", "02"}, {"paid", "03"}, {"gold", "04"}};
  return "/media/" + storage::sha256_hex(octets_of(lesson, kind)).substr(0, 16) + "/" + numbers.at(lesson) + "-" +
         lesson + "." + kind;
}

/// Lessons open, members, paid and gold, each with a film; what is not for all of them holds "SECRET-" and the lesson's name.
inline void write_school(const fs::path& at) {
  write_file(at / "site.toml", "title = \"A school\"\nlanguage = \"en\"\n");
  write_file(at / "courses/school/course.md", "---\ntitle: School\n---\nAll of it.\n");
  int number = 0;
  for (const auto& [name, access] : std::initializer_list<std::pair<std::string, std::string>>{
           {"open", "public"}, {"members", "members"}, {"paid", "paid"}, {"gold", "plan:gold"}}) {
    const auto file = at / "courses/school" / ("0" + std::to_string(++number) + "-" + name);
    write_file(file.string() + ".md", "---\ntitle: " + name + "\naccess: " + access +
                                          "\n---\nFor all of you.\n\n<!-- more -->\n\nSECRET-" + name + "\n");
    for (const char* kind : {"mp4", "en.vtt", "jpg"})
      write_file(file.string() + "." + kind, octets_of(name, kind));
  }
}

/// Somebody with a browser, whose session was put into the database by hand.
struct reader {
  id account = 0;
  std::string token;
  std::string cookie() const { return "Cookie: session=" + token; }
};

class school_of_readers : public ::testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "postgresql") {
      database = fresh_postgres();
      if (database.empty())
        GTEST_SKIP() << "no PostgreSQL: set LYCEUM_TEST_POSTGRES (ops/test does)";
    }
    write_school(place / "school");
    school.emplace(server::options{.content = place / "school", .database = database});
    ASSERT_TRUE(school->ready()) << school->log();
    ASSERT_TRUE(eventually([&] { return school->get("/courses/school/gold").status == 200; }));
    rows = storage::open(database.empty() ? "sqlite:" + (school->data() / "lyceum.db").string() : database,
                         storage::mode::writes);
  }

  reader make_reader(const std::string& name, account_role role = account_role::learner) {
    reader one;
    one.account =
        storage::accounts::make(*rows, {name + "@school.example", name, role, {}}, "test", now_utc())->account_id;
    if (is_staff(role)) { // which reads everything with a second factor alone
      EXPECT_TRUE(storage::second_factor::set(*rows, one.account, "sealed", 1, {}, "", "test", now_utc()));
    }
    one.token = open_session(one.account);
    settle();
    return one;
  }
  /// Until the server has heard of what was written here: afterwards nothing of it is forgotten again.
  void settle() {
    const auto seq = storage::account_seq(*rows);
    EXPECT_TRUE(eventually([&] { return followed("account_seq") >= seq; }, 15s));
  }
  /// A figure of whoever follows the changes in the server; -1 where there is none.
  std::int64_t followed(const std::string& name) const {
    const auto told = school->ctl({"--json", "inspect", "storage/notifications"}).out;
    const auto key = "\"" + name + "\":";
    const auto at = told.find(key);
    return at == std::string::npos ? -1 : std::atoll(told.c_str() + at + key.size());
  }
  std::string open_session(id account, unix_time when = now_utc()) {
    const auto token = storage::secrets::make_token();
    storage::sessions::opening how;
    how.account_id = account;
    how.sign_in_epoch = storage::accounts::find(*rows, account)->sign_in_epoch;
    how.token_hash = storage::secrets::hash_of_token(token);
    EXPECT_TRUE(storage::sessions::open(*rows, how, when));
    return token;
  }
  id give(const reader& who, const std::string& plan, std::optional<unix_time> until = {}) {
    return storage::grants::give(*rows, {who.account, plan, "gift", {}, now_utc(), until}, "test", now_utc())->grant_id;
  }
  answer get(const std::string& path, const reader& who) { return school->get(path, {who.cookie()}); }
  bool reads(const std::string& path, const reader& who) {
    return get(path, who).body.find("SECRET-") != std::string::npos;
  }
  json::object me(const reader& who) { return json::parse(get("/me", who).body).as_object(); }
  /// Whether it comes by itself. Within a second is what is stated, and half of one what it takes here; the rest is a busy machine.
  bool soon(const std::function<bool()>& holds) { return eventually(holds, 10s); }

  const scratch place;
  std::string database;
  std::optional<server> school;
  std::unique_ptr<storage::db> rows;
};

} // namespace lyceum::testing
