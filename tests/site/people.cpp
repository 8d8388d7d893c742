// SPDX-License-Identifier: Apache-2.0
#include "tests/site/people.hpp"

#include "storage/accounts.hpp"
#include "storage/mail_details.hpp"
#include "storage/model/id.hpp"
#include "storage/outbox.hpp"
#include "storage/totp.hpp"
#include "views/mail.hpp"
#include "views/theme.hpp"

#include <algorithm>
#include <iterator>

namespace lyceum::testing {
namespace {

std::string between(std::string_view text, std::string_view before, std::string_view after) {
  const auto begin = text.find(before);
  if (begin == std::string_view::npos)
    return {};
  const auto from = begin + before.size();
  return std::string(text.substr(from, text.find(after, from) - from));
}

} // namespace

std::string unescaped(std::string text) {
  const std::pair<std::string_view, std::string_view> all[] = {{"&lt;", "<"},   {"&gt;", ">"},  {"&quot;", "\""},
                                                               {"&apos;", "'"}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : all)
    for (auto at = text.find(entity); at != std::string::npos; at = text.find(entity, at + 1))
      text.replace(at, entity.size(), character);
  return text;
}

std::vector<page_form> forms_of(const std::string& html) {
  std::vector<page_form> out;
  for (auto at = html.find("<form "); at != std::string::npos; at = html.find("<form ", at + 1)) {
    const auto text = html.substr(at, html.find("</form>", at) - at);
    page_form one{unescaped(between(text, "action=\"", "\"")), {}};
    for (auto in = text.find("<input type=\"hidden\""); in != std::string::npos;
         in = text.find("<input type=\"hidden\"", in + 1)) {
      const auto input = text.substr(in, text.find('>', in) - in);
      one.hidden.emplace_back(between(input, "name=\"", "\""), unescaped(between(input, "value=\"", "\"")));
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain)
      out += c;
    else
      out.append("%").append(1, "0123456789ABCDEF"[octet >> 4]).append(1, "0123456789ABCDEF"[octet & 15]);
  }
  return out;
}

answer browser::get(const std::string& path, const std::vector<std::string>& headers) {
  return ask("GET", path, headers, {});
}

answer browser::post(const std::string& path, const fields& form, const std::vector<std::string>& headers) {
  std::string body;
  for (const auto& [name, value] : form)
    body += (body.empty() ? "" : "&") + encoded(name) + "=" + encoded(value);
  auto all = headers;
  all.emplace_back("Content-Type: application/x-www-form-urlencoded");
  return ask("POST", path, all, body);
}

answer browser::submit(const answer& page, const std::string& action, const fields& typed,
                       const std::vector<std::string>& headers) {
  for (const auto& form : forms_of(page.body))
    if (form.action == action) {
      auto all = form.hidden;
      for (const auto& [name, value] : typed) {
        const auto hidden = std::ranges::find(all, name, &std::pair<std::string, std::string>::first);
        if (hidden != all.end())
          hidden->second = value;
        else
          all.emplace_back(name, value);
      }
      return post(action, all, headers);
    }
  return {0, {}, "no form goes to " + action + ":\n" + page.body};
}

answer browser::follow(answer from) {
  for (int i = 0; i < 5 && from.status == 303; ++i)
    from = get(from.field("Location"));
  return from;
}

answer browser::ask(const std::string& method, const std::string& path, const std::vector<std::string>& headers,
                    const std::string& body) {
  std::string request = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  request += "User-Agent: " + agent_ + "\r\n";
  std::string field;
  for (const auto& [name, value] : cookies)
    field += (field.empty() ? "" : "; ") + name + "=" + value;
  if (!field.empty())
    request += "Cookie: " + field + "\r\n";
  for (const auto& one : headers)
    request += one + "\r\n";
  if (method == "POST")
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  auto got = client(port_).ask(request + "\r\n" + body, method == "HEAD");
  set_cookies.clear();
  constexpr std::string_view set = "Set-Cookie: ";
  for (auto at = got.head.find(set); at != std::string::npos; at = got.head.find(set, at + 1)) {
    const auto line = got.head.substr(at + set.size(), got.head.find("\r\n", at) - at - set.size());
    set_cookies.push_back(line);
    const auto equals = line.find('=');
    const auto name = line.substr(0, equals);
    if (line.find("Max-Age=0") != std::string::npos)
      cookies.erase(name);
    else
      cookies[name] = line.substr(equals + 1, line.find(';') - equals - 1);
  }
  return got;
}

std::string seen_mail::text(const char* name) const {
  const auto* found = details.if_contains(name);
  if (found == nullptr || !found->is_string())
    return {};
  return std::string(found->as_string());
}

void people_at_site::SetUp() {
  set_node(1023); // this process writes beside the server
  if (std::string_view(GetParam()) == "postgresql") {
    database = fresh_postgres();
    if (database.empty())
      GTEST_SKIP() << "no PostgreSQL: set LYCEUM_TEST_POSTGRES (ops/test does)";
  }
  server::options how;
  how.content = sample_school();
  how.database = database;
  how.arguments = arguments();
  site = std::make_unique<server>(how);
  ASSERT_TRUE(site->ready()) << site->log();
  db = storage::open(database.empty() ? (site->data() / "lyceum.db").string() : database, storage::mode::writes);
  ASSERT_TRUE(storage::outbox::pause(*db, "", "test", now_utc())); // what is sent has no details any more
}

std::string people_at_site::base_url() const {
  const auto given = arguments();
  const auto flag = std::ranges::find(given, "--base-url");
  return flag == given.end() ? "http://127.0.0.1:" + std::to_string(site->port()) : *std::next(flag);
}

std::vector<seen_mail> people_at_site::mails(std::string_view template_name) {
  const auto ring = storage::key_ring::open(site->data() / "keys", now_utc()).value();
  static const auto look = views::load_theme().value();
  std::vector<seen_mail> out;
  for (const auto& row : storage::outbox::list(*db, {.limit = 200})) {
    if (!template_name.empty() && row.what.template_name != template_name)
      continue;
    const auto whole = storage::outbox::find(*db, row.number).value();
    const auto text = storage::open_details(whole.what, ring).value();
    const auto written = views::render_mail(*look, {"A school", base_url(), "en", "UTC"}, whole.what.template_name,
                                            whole.what.language, text);
    EXPECT_TRUE(written) << whole.what.template_name << ": " << written.error().detail << " " << text;
    out.push_back({whole.what.recipient, whole.what.template_name, whole.what.cause, whole.what.language,
                   boost::json::parse(text).as_object()});
  }
  return out;
}

seen_mail people_at_site::mail(std::string_view template_name) {
  auto all = mails(template_name);
  EXPECT_FALSE(all.empty()) << "no mail of template " << template_name;
  return all.empty() ? seen_mail{} : all.front();
}

std::string people_at_site::path_of(const std::string& link) {
  const auto host = link.find("://");
  return host == std::string::npos ? link : link.substr(link.find('/', host + 3));
}

answer people_at_site::ask_for_mail(browser& who, const std::string& address, const std::string& to) {
  const auto page = who.get("/sign-in?to=" + encoded(to));
  EXPECT_EQ(page.status, 200) << page.body;
  return who.follow(who.submit(page, "/sign-in", {{"address", address}}));
}

void people_at_site::sign_in(browser& who, const std::string& address) {
  ask_for_mail(who, address);
  const auto path = path_of(mail("sign_in").text("link"));
  const auto done = who.submit(who.get(path), path);
  ASSERT_EQ(done.status, 303) << done.body;
}

bool people_at_site::is_signed_in(browser& who) {
  const auto got = who.get("/account");
  return got.status == 200 || (got.status == 303 && got.field("Location").starts_with("/account/"));
}

void people_at_site::set_password(browser& who, const std::string& password) {
  const auto page = who.get("/account/security/password");
  ASSERT_EQ(page.status, 200) << page.field("Location");
  const auto done = who.submit(page, "/account/security/password", {{"password", password}});
  ASSERT_EQ(done.status, 303) << done.body;
}

people_at_site::proof_of_two people_at_site::set_factor(browser& who) {
  const auto page = who.get("/account/security/second-factor");
  EXPECT_EQ(page.status, 200) << page.field("Location");
  const auto secret = storage::from_base32(between(page.body, "<code class=\"secret\">", "</code>")).value_or("");
  const auto code = storage::totp_code(secret, storage::totp_step_of(now_utc()));
  const auto done = who.submit(page, "/account/security/second-factor", {{"code", code}});
  EXPECT_EQ(done.status, 200) << done.body;
  proof_of_two made{secret, {}};
  const std::string_view mark = "<li><code>";
  for (auto at = done.body.find(mark); at != std::string::npos; at = done.body.find(mark, at + 1))
    made.codes.push_back(between(std::string_view(done.body).substr(at), mark, "</code>"));
  return made;
}

finished people_at_site::user(std::vector<std::string> words) {
  words.insert(words.begin(), "user");
  words.insert(words.end(), {"--data", site->data().string()});
  if (!database.empty())
    words.insert(words.end(), {"--database", database});
  return run_lyceum(words);
}

account people_at_site::account_of(const std::string& address) {
  return storage::accounts::find_by_address(*db, address).value();
}

std::int64_t people_at_site::count(const char* sql) {
  return db->one(storage::query{sql, sql}, [](const storage::row& r) { return r.integer(0); }).value_or(-1);
}

} // namespace lyceum::testing
