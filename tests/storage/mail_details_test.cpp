// SPDX-License-Identifier: Apache-2.0
#include "storage/mail_details.hpp"

#include <gtest/gtest.h>

namespace lyceum::storage::test {
namespace {

const std::string key_text = "lyceum keys 1\n1 1700000000 " + std::string(64, 'a') + "\n";

struct mail_details : ::testing::Test {
  key_ring ring = key_ring::parse(key_text).value();
  mail_draft draft{.recipient = "Ann@school.example",
                   .template_name = "sign_in",
                   .cause = "sign_in:17",
                   .details = R"({"minutes":15})"};
};

TEST_F(mail_details, sealed_ones_are_not_to_be_read_and_come_back) {
  ASSERT_TRUE(seal_details(draft, R"({"code":"731552","link":"https://school.example/x"})", ring));
  EXPECT_EQ(draft.details.find("731552"), std::string::npos);
  EXPECT_NE(draft.details.find("15"), std::string::npos);
  const auto opened = open_details(draft, ring).value();
  EXPECT_NE(opened.find(R"("code":"731552")"), std::string::npos) << opened;
  EXPECT_NE(opened.find(R"("minutes":15)"), std::string::npos);
  EXPECT_EQ(opened.find("sealed"), std::string::npos);
}

TEST_F(mail_details, without_secrets_stay_as_they_are) {
  EXPECT_EQ(open_details(draft, ring).value(), draft.details);
}

TEST_F(mail_details, moved_to_another_mail_do_not_open) {
  ASSERT_TRUE(seal_details(draft, R"({"code":"731552"})", ring));
  for (auto change :
       {+[](mail_draft& d) { d.recipient = "eve@school.example"; }, +[](mail_draft& d) { d.template_name = "welcome"; },
        +[](mail_draft& d) { d.cause = "sign_in:18"; }}) {
    auto other = draft;
    change(other);
    EXPECT_EQ(open_details(other, ring).error().what, problem::kind::invalid);
  }
  auto same = draft;
  same.recipient = "ann@school.example"; // one mailbox, written otherwise
  EXPECT_TRUE(open_details(same, ring));
}

TEST_F(mail_details, that_are_no_object_are_refused) {
  draft.details = "[]";
  EXPECT_EQ(seal_details(draft, "{}", ring).error().what, problem::kind::invalid);
  EXPECT_EQ(open_details(draft, ring).error().what, problem::kind::invalid);
  draft.details = R"({"sealed":7})";
  EXPECT_EQ(open_details(draft, ring).error().what, problem::kind::invalid);
  draft.details = "{}";
  EXPECT_EQ(seal_details(draft, "7", ring).error().what, problem::kind::invalid);
}

} // namespace
} // namespace lyceum::storage::test
