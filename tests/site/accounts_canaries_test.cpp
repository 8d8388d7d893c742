// SPDX-License-Identifier: Apache-2.0
// Secrets are planted, everything is used, and then whatever the server wrote is searched for them (ASVS 5.0 16.2.5).
#include "tests/site/people.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <map>

namespace lyceum::testing {
namespace {

class canaries : public people_at_site {};
INSTANTIATE_TEST_SUITE_P(engines, canaries, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& given) { return std::string(given.param); });

std::string octets_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_P(canaries, no_log_report_or_state_file_holds_a_secret) {
  std::map<std::string, std::string> planted;
  browser ada(site->port());
  sign_in(ada, "canary-local-part@example.org");
  const auto letter = mail("sign_in");
  planted["the token of a link"] = letter.text("link").substr(letter.text("link").rfind('/') + 1);
  planted["the session's token"] = ada.cookies.at("session");
  planted["the browser's token"] = ada.cookies.contains("browser") ? ada.cookies.at("browser") : std::string();
  planted["the password"] = "canary password of many words";
  set_password(ada, planted["the password"]);
  const auto factor = set_factor(ada);
  planted["the second factor"] = factor.secret;
  planted["a recovery code"] = factor.codes.front();

  browser other(site->port());
  planted["a wrong password"] = "canary that is not the password";
  other.submit(other.get("/sign-in/password"), "/sign-in/password",
               {{"address", "canary-local-part@example.org"}, {"password", planted["a wrong password"]}});
  // Tokens where they do not belong, which logs see as targets.
  other.get("/sign-in/link/" + planted["the token of a link"]);
  other.get("/de/sign-in/link/" + planted["the token of a link"] + "?more");
  other.get("/media/0123456789abcdef/x.mp4?exp=1&kid=1&u=1&sig=CanarySignatureCanarySignatureCanarySignature1");
  planted["a signature"] = "CanarySignatureCanarySignature";
  other.get("/the-last-line");
  ASSERT_TRUE(eventually([&] { // else the log dies with the server, and holds nothing to search
    return octets_of(site->data() / "log" / "access.jsonl").find("/the-last-line") != std::string::npos;
  }));
  EXPECT_EQ(kill(site->process(), SIGKILL), 0); // notes of what was under way, a report, a successor
  ASSERT_TRUE(site->ready());
  std::string told = site->log();
  for (const auto* words : {"crashes", "audit", "health"})
    told += site->ctl({words}).out;
  for (const auto* part :
       {"mail/outbox", "mail/smtp-1", "cache/session_table", "storage/notifications", "clock/scheduler"})
    told += site->ctl({"inspect", part}).out;
  ASSERT_EQ(site->stop(), 0);

  std::size_t searched = 0;
  const auto search = [&](const std::string& where, const std::string& text) {
    for (const auto& [what, secret] : planted)
      EXPECT_TRUE(secret.empty() || text.find(secret) == std::string::npos) << what << " stands in " << where;
    ++searched;
  };
  search("what the server said", told);
  for (const auto& file : fs::recursive_directory_iterator(site->data())) {
    const auto name = file.path().filename().string();
    if (file.is_regular_file() &&
        name != "keys") // the database holds hashes and what is sealed, and is searched as well
      search(file.path().string(), octets_of(file.path()));
  }
  EXPECT_GT(searched, 5u);
}

} // namespace
} // namespace lyceum::testing
