// SPDX-License-Identifier: Apache-2.0
#include "storage/model/mail_address.hpp"

#include "storage/model/characters.hpp"
#include "storage/model/punycode.hpp"
#include "storage/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <stdexcept>

namespace lyceum {
namespace {

using ::testing::HasSubstr;

std::string folded(std::string_view text) {
  const auto read = mail_address::parse(text);
  return read ? read->folded() : "refused: " + read.error().detail;
}

std::string refusal(std::string_view text) {
  const auto read = mail_address::parse(text);
  return read ? "taken as " + read->text() : read.error().detail;
}

TEST(mail_address_test, common_addresses_are_taken_as_they_are) {
  for (const char* text : {"ann@example.org", "ann.lee+school@mail.example.co.uk", "a@b.cd", "o'neil@example.org",
                           "x_y-z@example.org", "1234567890@example.org", "!#$%&'*+-/=?^_`{|}~@example.org",
                           "ann@1and1.com", "ann@xn--bcher-kva.example", "ann@a-b--c.example"}) {
    const auto read = mail_address::parse(text);
    ASSERT_TRUE(read) << text << ": " << read.error().detail;
    EXPECT_EQ(read->text(), text);
  }
}

TEST(mail_address_test, other_scripts_are_taken_on_both_sides) {
  for (const char* text : {"josé@example.org", "用户@例子.广告", "अजय@डाटा.भारत", "квіточка@пошта.укр",
                           "Dörte@Sörensen.example", "θσερ@εχαμπλε.ψομ", "😀@example.org"}) {
    const auto read = mail_address::parse(text);
    ASSERT_TRUE(read) << text << ": " << read.error().detail;
    EXPECT_EQ(read->text(), text);
    EXPECT_TRUE(read->needs_smtputf8());
  }
  EXPECT_FALSE(mail_address::parse("ann@bücher.example")->needs_smtputf8());
}

TEST(mail_address_test, quotes_stay_only_where_they_are_needed) {
  const auto text = [](std::string_view typed) { return mail_address::parse(typed).value().text(); };
  EXPECT_EQ(text(R"("ann"@example.org)"), "ann@example.org");
  EXPECT_EQ(text(R"("a\nn"@example.org)"), "ann@example.org");
  EXPECT_EQ(text(R"("ann lee"@example.org)"), R"("ann lee"@example.org)");
  EXPECT_EQ(text(R"("a@b"@example.org)"), R"("a@b"@example.org)");
  EXPECT_EQ(text(R"("..a"@example.org)"), R"("..a"@example.org)");
  EXPECT_EQ(text(R"("a\"b\\c"@example.org)"), R"("a\"b\\c"@example.org)");
  EXPECT_EQ(mail_address::parse(R"("a\"b\\é"@example.org)").value().local(), R"(a"b\é)");
  EXPECT_EQ(folded(R"("Ann"@example.org)"), folded("ann@EXAMPLE.org"));
}

TEST(mail_address_test, what_is_no_address_is_refused_with_the_reason) {
  EXPECT_THAT(refusal(""), HasSubstr("Give an address"));
  EXPECT_THAT(refusal("ann"), HasSubstr("needs an @"));
  EXPECT_THAT(refusal("@example.org"), HasSubstr("before the @"));
  EXPECT_THAT(refusal("ann@"), HasSubstr("after the @"));
  EXPECT_THAT(refusal("ann@@example.org"), HasSubstr("more than one @"));
  EXPECT_THAT(refusal("a@b@example.org"), HasSubstr("more than one @"));
  EXPECT_THAT(refusal("ann lee@example.org"), HasSubstr("space"));
  EXPECT_THAT(refusal(" ann@example.org"), HasSubstr("space"));
  EXPECT_THAT(refusal("ann@example.org "), HasSubstr("space"));
  EXPECT_THAT(refusal("Ann <ann@example.org>"), HasSubstr("space"));
  EXPECT_THAT(refusal("<ann@example.org>"), HasSubstr("without < and >"));
  EXPECT_THAT(refusal("ann(work)@example.org"), HasSubstr("comment"));
  EXPECT_THAT(refusal("ann@(work)example.org"), HasSubstr("comment"));
  EXPECT_THAT(refusal("ann@example.org,bob@example.org"), HasSubstr("one address"));
  EXPECT_THAT(refusal(".ann@example.org"), HasSubstr("dot"));
  EXPECT_THAT(refusal("ann.@example.org"), HasSubstr("dot"));
  EXPECT_THAT(refusal("a..b@example.org"), HasSubstr("dot"));
  EXPECT_THAT(refusal("ann@.example.org"), HasSubstr("dot"));
  EXPECT_THAT(refusal("ann@example.org."), HasSubstr("dot"));
  EXPECT_THAT(refusal("ann@example..org"), HasSubstr("dot"));
  EXPECT_THAT(refusal("ann@localhost"), HasSubstr("needs a dot"));
  EXPECT_THAT(refusal("ann@[192.0.2.1]"), HasSubstr("IP address"));
  EXPECT_THAT(refusal("ann@[IPv6:2001:db8::1]"), HasSubstr("IP address"));
  EXPECT_THAT(refusal("ann@192.0.2.1"), HasSubstr("IP address"));
  EXPECT_THAT(refusal("ann@-example.org"), HasSubstr("begin or end with -"));
  EXPECT_THAT(refusal("ann@example-.org"), HasSubstr("begin or end with -"));
  EXPECT_THAT(refusal("ann@ab--cd.org"), HasSubstr("third and fourth"));
  EXPECT_THAT(refusal("ann@xn--.org"), HasSubstr("begin or end with -"));
  EXPECT_THAT(refusal("ann@exam_ple.org"), HasSubstr("The character _"));
  EXPECT_THAT(refusal(R"("ann@example.org)"), HasSubstr("not closed"));
  EXPECT_THAT(refusal(R"("ann\)"), HasSubstr("not closed"));
  EXPECT_THAT(refusal(R"("ann"x@example.org)"), HasSubstr("must follow"));
  EXPECT_THAT(refusal(R"(""@example.org)"), HasSubstr("between the quotes"));
  EXPECT_THAT(refusal("\"a\\é\"@example.org"), HasSubstr("backslash"));
}

TEST(mail_address_test, what_our_mail_reaches_is_kept_as_it_reaches_it) {
  const auto kept = [](std::string_view text) { return address_for_mail(mail_address::parse(text).value()); };
  EXPECT_EQ(kept("Ann+tag@Example.org"), "Ann+tag@Example.org");
  EXPECT_EQ(kept("ann@BÜCHER.example"), "ann@xn--bcher-kva.example");
  EXPECT_EQ(kept("\"ann\"@example.org"), "ann@example.org") << "quotes that it does not need";
  EXPECT_EQ(kept("\"ann b\"@example.org"), std::nullopt);
  EXPECT_EQ(kept("żółć@example.org"), std::nullopt);
  EXPECT_EQ(kept("o'hara&co@example.org"), "o'hara&co@example.org");
}

TEST(mail_address_test, what_could_end_a_header_is_refused_quoted_too) {
  for (const char control : {'\0', '\r', '\n', '\t', '\x1b', '\x7f'}) {
    for (const std::string& text :
         {std::string("ann") + control + "@example.org", std::string("ann@exam") + control + "ple.org",
          std::string("\"a") + control + "b\"@example.org", std::string("\"a\\") + control + "b\"@example.org",
          std::string("ann@example.org") + control}) {
      const auto read = mail_address::parse(text);
      ASSERT_FALSE(read) << static_cast<int>(control);
      EXPECT_EQ(read.error().what, problem::kind::invalid);
    }
  }
  EXPECT_THAT(refusal("ann@example.org\r\nBcc: all@example.org"), HasSubstr("line end"));
}

TEST(mail_address_test, what_looks_like_another_is_refused) {
  EXPECT_THAT(refusal("a\u200Bnn@example.org"), HasSubstr("invisible"));
  EXPECT_THAT(refusal("\u202Enna@example.org"), HasSubstr("invisible"));
  EXPECT_THAT(refusal("ann@exam\u00ADple.org"), HasSubstr("invisible"));
  EXPECT_THAT(refusal("ann\u00A0@example.org"), HasSubstr("invisible"));
  EXPECT_THAT(refusal("\uFEFFann@example.org"), HasSubstr("invisible"));
  EXPECT_THAT(refusal("ann\U000E0041@example.org"), HasSubstr("invisible"));
  EXPECT_THAT(refusal("ann@example。org"), HasSubstr("normal width"));
  EXPECT_THAT(refusal("ann@ｅxample.org"), HasSubstr("normal width"));
}

TEST(mail_address_test, what_is_not_utf8_is_refused) {
  for (const char* text : {"\xff@example.org", "a\xc3@example.org", "\xc0\xaf@example.org", "\xed\xa0\x80@example.org",
                           "ann@\xf5\x80\x80\x80.org", "ann@example.org\xe2\x82"})
    EXPECT_THAT(refusal(text), HasSubstr("UTF-8"));
}

TEST(mail_address_test, limits_are_kept_to_the_octet) {
  const auto fits = [](const std::string& text) { return mail_address::parse(text).has_value(); };
  const auto too_large = [](const std::string& text) {
    const auto read = mail_address::parse(text);
    return !read && read.error().what == problem::kind::too_large;
  };
  const std::string label63(63, 'b');
  EXPECT_TRUE(fits(std::string(64, 'a') + "@example.org"));
  EXPECT_TRUE(too_large(std::string(65, 'a') + "@example.org"));
  EXPECT_TRUE(fits("\"" + std::string(62, 'a') + "\"@example.org"));
  EXPECT_TRUE(too_large("\"" + std::string(63, 'a') + "\"@example.org")) << "the quotes count";
  EXPECT_TRUE(fits("a@" + label63 + ".org"));
  EXPECT_TRUE(too_large("a@b" + label63 + ".org"));
  const auto domain = label63 + "." + label63 + "." + label63;
  EXPECT_TRUE(fits(std::string(60, 'a') + "@" + domain + ".b"));
  EXPECT_EQ((std::string(60, 'a') + "@" + domain + ".b").size(), 254u);
  EXPECT_TRUE(too_large(std::string(60, 'a') + "@" + domain + ".bb"));
  // 21 of three octets each are 63 as they are typed, and more as the DNS is asked.
  std::string wide;
  for (char32_t c = 0x4E00; c < 0x4E00 + 21 * 400; c += 400)
    add_character(wide, c);
  EXPECT_EQ(wide.size(), 63u);
  EXPECT_TRUE(too_large("a@" + wide + ".org"));
}

TEST(mail_address_test, two_spellings_of_one_address_fold_to_one) {
  EXPECT_EQ(folded("Ann.Lee@Example.ORG"), "ann.lee@example.org");
  EXPECT_EQ(folded("ann@BÜCHER.example"), "ann@xn--bcher-kva.example");
  EXPECT_EQ(folded("ann@bücher.example"), folded("ANN@XN--BCHER-KVA.EXAMPLE"));
  EXPECT_EQ(folded("a@ПОШТА.УКР"), folded("a@пошта.укр"));
  EXPECT_EQ(folded("a@ΕΛΛΆΔΑ.example"), folded("a@ελλάδα.example"));
}

TEST(mail_address_test, what_may_be_two_people_does_not_fold_to_one) {
  EXPECT_NE(folded("ann.lee@example.org"), folded("annlee@example.org"));
  EXPECT_NE(folded("ann+a@example.org"), folded("ann@example.org"));
  EXPECT_NE(folded("É@example.org"), folded("é@example.org")) << "beyond ASCII the local part keeps its case";
  EXPECT_NE(folded("a@strasse.example"), folded("a@straße.example"));
  EXPECT_NE(folded(R"("a@b.c"@example.org)"), folded("a@b.c"));
}

TEST(mail_address_test, a_log_shows_no_local_part) {
  const auto masked = [](std::string_view text) { return mail_address::parse(text).value().masked(); };
  EXPECT_EQ(masked("ann@example.org"), "a…@example.org");
  EXPECT_EQ(masked("élan@example.org"), "é…@example.org");
  EXPECT_EQ(masked("a@example.org"), "…@example.org");
  EXPECT_EQ(masked("é@example.org"), "…@example.org");
  EXPECT_EQ(masked(R"("\"x"@example.org)"), "…@example.org");
  EXPECT_EQ(masked("+ab@example.org"), "…@example.org");
}

// RFC 3492 section 7.1 (A), (B), (D), (I), (J), (L), (S); (I) with its one capital small, since we keep no mixed case.
TEST(mail_address_test, punycode_is_that_of_its_rfc) {
  EXPECT_EQ(punycode("ليهمابتكلموشعربي؟"), "egbpdaj6bu4bxfgehfvwxn");
  EXPECT_EQ(punycode("他们为什么不说中文"), "ihqwcrb4cv8a8dqg056pqjye");
  EXPECT_EQ(punycode("Pročprostěnemluvíčesky"), "Proprostnemluvesky-uyb24dma41a");
  EXPECT_EQ(punycode("почемужеонинеговорятпорусски"), "b1abfaaepdrnnbgefbadotcwatmq2g4l");
  EXPECT_EQ(punycode("PorquénopuedensimplementehablarenEspañol"), "PorqunopuedensimplementehablarenEspaol-fmd56a");
  EXPECT_EQ(punycode("3年B組金八先生"), "3B-ww4c5e180e575a65lsy2b");
  EXPECT_EQ(punycode("-> $1.00 <-"), "-> $1.00 <--");
  EXPECT_THROW(punycode(std::string(255, 'a')), std::length_error);
  EXPECT_THROW(punycode("\xff"), std::invalid_argument);
}

TEST(mail_address_test, small_letters_are_those_of_unicode_and_stay) {
  const std::string_view capitals = "AZÀÞŐŸŽĐŊΑΩΆΈΌΎΏЀЏАЯѠҐӁӐԱՖẠỸḀ", small = "azàþőÿžđŋαωάέόύώѐџаяѡґӂӑաֆạỹḁ";
  std::size_t i = 0, j = 0;
  while (i < capitals.size())
    EXPECT_EQ(small_letter(next_character(capitals, i)), next_character(small, j)) << "before octet " << i;
  EXPECT_EQ(j, small.size());
  for (std::uint32_t c = 0; c < 0x10000; ++c)
    EXPECT_EQ(small_letter(small_letter(c)), small_letter(c)) << c;
  for (const std::uint32_t c : {0x130U, 0xD7U, 0xDFU, 0x138U, 0x149U, 0x17FU, 0x3A2U, 0x4CFU, 0x482U})
    EXPECT_EQ(small_letter(c), c) << c;
}

TEST(mail_address_test, characters_go_in_and_out) {
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF)
      continue;
    std::string text;
    add_character(text, c);
    std::size_t at = 0;
    ASSERT_EQ(next_character(text, at), c);
    ASSERT_EQ(at, text.size());
  }
}

rc::Gen<std::string> pieces(std::vector<std::string> of) {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::move(of))),
                      [](const auto& parts) {
                        std::string text;
                        for (const auto& part : parts)
                          text += part;
                        return text;
                      });
}

TEST(mail_address_test, whatever_is_taken_keeps_the_rules) {
  EXPECT_TRUE(rc::check("an address that is taken", [] {
    const auto some = [](std::vector<std::string> good, const std::vector<std::string>& bad) {
      return *rc::gen::weightedOneOf<std::string>({{3, pieces(good)}, {1, pieces(bad)}});
    };
    const auto local = some({"a", "B", "é", "1", "a.", "-", "+"},
                            {"a", "\"", "\\", " ", "(", "\r", "\xff", ".", std::string(1, '\0'), "\u200B"});
    const auto domain = some({"b", "B", "É", "1", "b.", "例"}, {"b", ".", "-", "xn--", "@", "[", "\n", "\xff"});
    const auto before = *rc::gen::element<std::string>("a", local, '"' + local + '"');
    const auto text = before + "@" + *rc::gen::element<std::string>("example.org", domain, domain + ".org");
    const auto read = mail_address::parse(text);
    if (!read) {
      RC_ASSERT(!read.error().detail.empty());
      RC_CLASSIFY(true, "refused");
      for (const char c : read.error().detail)
        RC_ASSERT(static_cast<unsigned char>(c) >= 0x20);
      return;
    }
    RC_ASSERT(text.size() <= mail_address::octets_max);
    for (const char c : text)
      RC_ASSERT(static_cast<unsigned char>(c) >= 0x20);
    RC_ASSERT(!storage::first_bad_utf8(text));
    const auto again = mail_address::parse(read->text());
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == *read);
    const auto same = mail_address::parse(read->folded());
    if (same)
      RC_ASSERT(same->folded() == read->folded());
    RC_ASSERT(read->ascii_domain().size() <= mail_address::domain_octets_max);
  }));
}

TEST(mail_address_test, case_never_makes_a_second_account) {
  EXPECT_TRUE(rc::check("folding forgets the case of ASCII", [] {
    auto text = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("abcXYZ019"))));
    text = text.substr(0, 60) + "@" + text.substr(0, 60) + ".org";
    auto other = text;
    for (char& c : other)
      if (*rc::gen::arbitrary<bool>() && c >= 'a' && c <= 'z')
        c = static_cast<char>(c - 'a' + 'A');
    RC_ASSERT(folded(text) == folded(other));
    RC_ASSERT(folded(text) == storage::lower_ascii(text));
  }));
}

} // namespace
} // namespace lyceum
