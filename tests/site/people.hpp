// SPDX-License-Identifier: Apache-2.0
// People at a real server: browsers that keep cookies and send forms, and their mailboxes, read from the outbox.
#pragma once

#include "storage/db.hpp"
#include "storage/key_ring.hpp"
#include "storage/model/account.hpp"
#include "tests/site/server.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::testing {

using fields = std::vector<std::pair<std::string, std::string>>;

/// The forms of a page: action, and the hidden fields of each.
struct page_form {
  std::string action;
  fields hidden;
};
std::vector<page_form> forms_of(const std::string& html);
/// HTML's five entities as characters.
std::string unescaped(std::string text);

/// A browser: one connection a request, cookies kept as RFC 6265 asks, nothing followed by itself.
class browser {
public:
  explicit browser(int port, std::string agent = firefox) : port_(port), agent_(std::move(agent)) {}

  static constexpr const char* firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  static constexpr const char* safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
                                        "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

  answer get(const std::string& path, const std::vector<std::string>& headers = {});
  answer post(const std::string& path, const fields& form, const std::vector<std::string>& headers = {});
  /// Sends the form of `page` that goes to `action`, with its hidden fields and these. With no such form: status 0.
  answer submit(const answer& page, const std::string& action, const fields& typed = {},
                const std::vector<std::string>& headers = {});
  /// Where an answer redirects to, gone to; itself where it does not.
  answer follow(answer from);

  std::map<std::string, std::string> cookies;
  std::vector<std::string> set_cookies; ///< of the last answer, as they came
  void at(int port) { port_ = port; }

private:
  answer ask(const std::string& method, const std::string& path, const std::vector<std::string>& headers,
             const std::string& body);
  int port_;
  std::string agent_;
};

std::string encoded(std::string_view text);

/// A mail as its template would get it. Each was rendered: what a template lacks fails the test.
struct seen_mail {
  std::string recipient;
  std::string template_name;
  std::string cause;
  std::string language;
  boost::json::object details;
  std::string text(const char* name) const;
};

/// A server with a school and nobody in it, on either engine.
class people_at_site : public ::testing::TestWithParam<const char*> {
protected:
  void SetUp() override;

  virtual std::vector<std::string> arguments() const { return {}; }

  std::string base_url() const;
  /// Newest first; all of them, or those of one template.
  std::vector<seen_mail> mails(std::string_view template_name = {});
  /// The newest mail of a template; a failure where there is none.
  seen_mail mail(std::string_view template_name);
  /// The path of a mailed link.
  static std::string path_of(const std::string& link);

  /// A request for a mail; what comes back after the redirect.
  answer ask_for_mail(browser&, const std::string& address, const std::string& to = "/");
  /// All the way in, by the mailed link in the same browser.
  void sign_in(browser&, const std::string& address);
  bool is_signed_in(browser&);
  /// A password for an account, as its owner sets it. Signed in, within ten minutes of a proof.
  void set_password(browser&, const std::string& password);
  /// The second factor, turned on: its secret and the recovery codes.
  struct proof_of_two {
    std::string secret;
    std::vector<std::string> codes;
  };
  proof_of_two set_factor(browser&);
  finished user(std::vector<std::string> words);
  account account_of(const std::string& address);
  std::int64_t count(const char* sql);

  std::string database;
  std::unique_ptr<server> site;
  std::unique_ptr<storage::db> db;
};

} // namespace lyceum::testing
