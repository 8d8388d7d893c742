// SPDX-License-Identifier: Apache-2.0
// An operator in the console without a browser, who can send what no browser would.
#pragma once

#include "tests/site/server.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lyceum::testing {

struct console_visitor {
  server& school;
  std::string cookie, csrf; ///< "Cookie: …" and "csrf=…"

  explicit console_visitor(server& at) : school(at) {
    const auto link = school.ctl({"--json", "console"}).out;
    const auto from = link.find('#') + 1;
    const auto got = post("/ops/enter", "token=" + link.substr(from, link.find('"', from) - from));
    EXPECT_EQ(got.status, 303) << got.head;
    const auto line = got.field("Set-Cookie");
    cookie = "Cookie: " + line.substr(0, line.find(';'));
    csrf = "csrf=" + value_of(look("/ops/accounts"), "csrf");
  }
  answer look(const std::string& path) { return school.get(path, {cookie}); }
  answer post(const std::string& path, const std::string& body, std::vector<std::string> headers = {}) {
    if (!cookie.empty())
      headers.push_back(cookie);
    std::string request = "POST " + path +
                          " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                          "\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for (const auto& one : headers)
      request += one + "\r\n";
    return client(school.port()).ask(request + "\r\n" + body);
  }
  /// What a hidden field of the page's first form holds.
  static std::string value_of(const answer& page, const std::string& field) {
    const auto name = "name=\"" + field + "\" value=\"";
    const auto at = page.body.find(name);
    return at == std::string::npos
               ? ""
               : page.body.substr(at + name.size(), page.body.find('"', at + name.size()) - at - name.size());
  }
};

} // namespace lyceum::testing
