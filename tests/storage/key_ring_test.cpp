// SPDX-License-Identifier: Apache-2.0
#include "storage/key_ring.hpp"

#include "storage/base64.hpp"

#include <cctype>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <latch>
#include <rapidcheck.h>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace lyceum::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr const char* known_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr const char* other_key = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

key_ring ring_of(const std::string& lines) {
  return key_ring::parse("lyceum keys 1\n" + lines).value();
}
key_ring known_ring() {
  return ring_of(std::string("7 1700000000 ") + known_key + "\n");
}
std::string hex(const signature& octets) {
  std::string out;
  for (const auto octet : octets) {
    out += "0123456789abcdef"[octet >> 4];
    out += "0123456789abcdef"[octet & 15];
  }
  return out;
}

class key_file_test : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lyceum-keys-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    file = folder / "site.keys";
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string text() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes) const {
    std::ofstream(file, std::ios::binary) << bytes;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  }
  std::string refusal() const {
    auto ring = key_ring::open(file, now);
    return ring ? "taken" : ring.error().detail;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  fs::path folder, file;
  unix_time now = unix_time{1'700'000'000'123'456us};
};

TEST_F(key_file_test, a_first_key_is_made_and_found_again) {
  const auto made = key_ring::open(file, now).value();
  EXPECT_EQ(made.size(), 1u);
  EXPECT_EQ(made.newest(), 1u);
  EXPECT_EQ(made.made_at(), unix_time{1'700'000'000s});
  const auto again = key_ring::open(file, now + 1h).value();
  EXPECT_EQ(again.made_at(), made.made_at());
  EXPECT_EQ(made.sign(key_purpose::media, 1, {"a"}), again.sign(key_purpose::media, 1, {"a"}));
  EXPECT_EQ(files(), 1u) << "no draft is left";
}

TEST_F(key_file_test, two_sites_have_different_keys) {
  const auto one = key_ring::open(file, now).value(), other = key_ring::open(folder / "other.keys", now).value();
  EXPECT_NE(one.sign(key_purpose::media, 1, {"a"}), other.sign(key_purpose::media, 1, {"a"}));
}

TEST_F(key_file_test, the_file_is_for_its_owner_alone) {
  ASSERT_TRUE(key_ring::open(file, now));
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  for (const mode_t mode : {0640U, 0604U, 0620U, 0610U, 0601U, 0644U}) {
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    EXPECT_THAT(refusal(), HasSubstr("may be read by others")) << mode;
    EXPECT_FALSE(key_ring::rotate(file, now));
  }
  ASSERT_EQ(chmod(file.c_str(), 0400), 0);
  EXPECT_EQ(refusal(), "taken");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  ASSERT_TRUE(key_ring::rotate(file, now));
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(key_file_test, every_cut_of_the_file_is_refused_and_left_as_it_is) {
  ASSERT_TRUE(key_ring::rotate(file, now));
  const auto whole = text();
  const auto first = whole.find('\n', whole.find('\n') + 1) + 1;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    if (size == first) { // one key fewer, which nobody can tell
      EXPECT_EQ(refusal(), "taken");
      continue;
    }
    ASSERT_NE(refusal(), "taken") << size;
    ASSERT_THAT(refusal(), HasSubstr(file.string())) << size;
    ASSERT_EQ(text(), whole.substr(0, size)) << "a broken ring is not made anew: what it sealed would be lost";
  }
  write(whole + "x");
  EXPECT_NE(refusal(), "taken");
  write(whole + std::string(100'000, '\n'));
  EXPECT_NE(refusal(), "taken");
}

TEST_F(key_file_test, what_is_no_plain_file_is_refused) {
  fs::create_directory(file);
  EXPECT_NE(refusal(), "taken");
  fs::remove(file);
  ASSERT_TRUE(key_ring::open(folder / "real.keys", now));
  fs::create_symlink(folder / "real.keys", file);
  EXPECT_NE(refusal(), "taken");
  fs::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("is not a file"));
  const auto nowhere = key_ring::open(folder / "no" / "site.keys", now);
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().detail, HasSubstr("cannot be written"));
}

TEST_F(key_file_test, rotation_signs_with_the_new_key_and_verifies_with_the_old) {
  const auto before = key_ring::open(file, now).value();
  const auto old_signature = before.sign(key_purpose::media, 1, {"a"}).value();
  const auto old_sealed = before.seal("totp 1", "secret").value();
  const auto after = key_ring::rotate(file, now + 24h).value();
  EXPECT_EQ(after.newest(), 2u);
  EXPECT_EQ(after.made_at(), unix_time{1'700'000'000s + 24h});
  EXPECT_TRUE(after.verify(key_purpose::media, 1, {"a"}, old_signature));
  EXPECT_FALSE(after.verify(key_purpose::media, 2, {"a"}, old_signature));
  EXPECT_EQ(after.open_sealed("totp 1", old_sealed), "secret");
  const auto sealed = after.seal("totp 1", "secret").value();
  EXPECT_EQ(key_ring::sealed_with(sealed), 2u);
  EXPECT_EQ(key_ring::sealed_with(old_sealed), 1u);
  EXPECT_EQ(before.open_sealed("totp 1", sealed).error().what, problem::kind::not_found);
  EXPECT_EQ(key_ring::open(file, now).value().newest(), 2u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(key_file_test, the_oldest_key_goes_beyond_eight) {
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(key_ring::rotate(file, now));
  const auto ring = key_ring::open(file, now).value();
  EXPECT_EQ(ring.size(), key_ring::keys_max);
  EXPECT_EQ(ring.newest(), 11u);
  EXPECT_FALSE(ring.knows(3));
  for (key_id which = 4; which <= 11; ++which)
    EXPECT_TRUE(ring.knows(which)) << which;
  EXPECT_FALSE(ring.knows(12));
  EXPECT_FALSE(ring.sign(key_purpose::media, 3, {"a"}));
  EXPECT_FALSE(ring.verify(key_purpose::media, 3, {"a"}, signature{}));
}

TEST_F(key_file_test, those_that_make_it_at_once_have_one_key) {
  for (int round = 0; round < 2; ++round) {
    fs::remove(file);
    std::vector<std::optional<signature>> made(3);
    std::latch all_there(static_cast<std::ptrdiff_t>(made.size()));
    {
      std::vector<std::jthread> threads;
      for (auto& one : made)
        threads.emplace_back([&] {
          all_there.arrive_and_wait();
          if (const auto ring = key_ring::open(file, now))
            one = ring->sign(key_purpose::media, 1, {"a"});
        });
    }
    ASSERT_TRUE(made.front());
    for (const auto& one : made)
      ASSERT_EQ(one, made.front());
    ASSERT_EQ(files(), 1u);
  }
}

TEST(key_ring_test, a_text_that_is_no_ring_is_refused) {
  const std::string key = known_key;
  for (const std::string& no :
       {std::string(), std::string("lyceum keys 1\n"), "lyceum keys 2\n1 1 " + key + "\n", "lyceum keys 1\n1 1 " + key,
        "lyceum keys 1\n0 1 " + key + "\n", "lyceum keys 1\n01 1 " + key + "\n", "lyceum keys 1\n-1 1 " + key + "\n",
        "lyceum keys 1\n1 1 " + key + "0\n", "lyceum keys 1\n1 1 " + key.substr(1) + "\n",
        "lyceum keys 1\n1  " + key + "\n", "lyceum keys 1\n1 1 " + key.substr(1) + "g\n",
        "lyceum keys 1\n4294967296 1 " + key + "\n", "lyceum keys 1\n2 1 " + key + "\n1 1 " + key + "\n",
        "lyceum keys 1\n1 1 " + key + "\n1 1 " + key + "\n", "lyceum keys 1\r\n1 1 " + key + "\r\n",
        "lyceum keys 1\n1 1 " + key + "\n\n"})
    EXPECT_FALSE(key_ring::parse(no)) << no;
  std::string nine = "lyceum keys 1\n";
  for (int i = 1; i <= 9; ++i)
    nine += std::to_string(i) + " 1 " + key + "\n";
  EXPECT_FALSE(key_ring::parse(nine));
  EXPECT_EQ(ring_of("3 0 " + key + "\n4294967295 1 " + key + "\n").newest(), 4294967295u);
}

// Computed with Python: hmac(hmac(key, b"lyceum key 1 session"), b"ab"), SHA-256.
TEST(key_ring_test, a_signature_is_hmac_sha_256_with_a_derived_key) {
  EXPECT_EQ(hex(known_ring().sign(key_purpose::session, 7, {"ab"}).value()),
            "581ca6b5b7e80624248c8fec64fecc829f6ee7da3b1bd8ca7b561d37743f559f");
  EXPECT_EQ(known_ring().sign(key_purpose::session, 7, {"a", "", "b"}),
            known_ring().sign(key_purpose::session, 7, {"ab"}));
}

TEST(key_ring_test, a_signature_for_one_purpose_is_nothing_to_another) {
  const auto ring = known_ring();
  std::set<std::string> all;
  for (const auto what :
       {key_purpose::media, key_purpose::session, key_purpose::form, key_purpose::mail_link, key_purpose::sealed})
    all.insert(hex(ring.sign(what, 7, {"a"}).value()));
  EXPECT_EQ(all.size(), 5u);
  const auto media = ring.sign(key_purpose::media, 7, {"a"}).value();
  EXPECT_TRUE(ring.verify(key_purpose::media, 7, {"a"}, media));
  EXPECT_FALSE(ring.verify(key_purpose::session, 7, {"a"}, media));
  EXPECT_FALSE(ring.verify(key_purpose::media, 7, {"b"}, media));
  EXPECT_FALSE(ring.verify(key_purpose::media, 8, {"a"}, media));
}

TEST(key_ring_test, a_signature_that_differs_in_any_bit_is_refused) {
  const auto ring = known_ring();
  const auto good = ring.sign(key_purpose::media, 7, {"a"}).value();
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto bad = good;
      bad[i] = static_cast<unsigned char>(bad[i] ^ (1U << bit));
      EXPECT_FALSE(ring.verify(key_purpose::media, 7, {"a"}, bad));
    }
}

TEST(key_ring_test, what_is_sealed_is_opened_only_in_its_context) {
  const auto ring = known_ring();
  const auto sealed = ring.seal("totp 4711", "a secret").value();
  EXPECT_EQ(ring.open_sealed("totp 4711", sealed), "a secret");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  for (const char* context : {"totp 4712", "totp 471", "totp 47111", "", "Totp 4711"})
    EXPECT_EQ(ring.open_sealed(context, sealed).error().what, problem::kind::invalid) << context;
  EXPECT_NE(ring.seal("totp 4711", "a secret"), sealed) << "the nonce is new each time";
  const auto stranger = ring_of(std::string("7 1 ") + other_key + "\n");
  EXPECT_EQ(stranger.open_sealed("totp 4711", sealed).error().what, problem::kind::invalid);
}

TEST(key_ring_test, what_is_sealed_and_changed_in_any_octet_stays_shut) {
  const auto ring = ring_of(std::string("7 1 ") + known_key + "\n8 1 " + other_key + "\n");
  const auto sealed = ring.seal("c", "0123456789abcdef").value();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (int octet = 0; octet < 256; ++octet) {
      auto bad = sealed;
      bad[i] = static_cast<char>(octet);
      ASSERT_TRUE(bad == sealed || !ring.open_sealed("c", bad)) << i << " is " << octet;
    }
    ASSERT_FALSE(ring.open_sealed("c", sealed.substr(0, i))) << i;
    ASSERT_FALSE(ring.open_sealed("c", sealed.substr(i + 1))) << i;
  }
  EXPECT_FALSE(ring.open_sealed("c", sealed + "A"));
  EXPECT_FALSE(ring.open_sealed("c", sealed + "="));
  EXPECT_FALSE(ring.open_sealed("c", "1.7." + std::string(100'000, 'A')));
}

TEST(key_ring_test, secrets_of_every_size_come_back) {
  const auto ring = known_ring();
  EXPECT_TRUE(rc::check("seal and open are inverse", [&](const std::string& context, const std::string& plain) {
    RC_ASSERT(ring.open_sealed(context, ring.seal(context, plain).value()) == plain);
  }));
  const std::string largest(key_ring::plain_octets_max, 'x');
  EXPECT_EQ(ring.open_sealed("c", ring.seal("c", largest).value()), largest);
  EXPECT_EQ(ring.seal("c", largest + "x").error().what, problem::kind::too_large);
  EXPECT_EQ(ring.open_sealed("c", ring.seal("c", "").value()), "");
}

TEST(key_ring_test, base64url_has_one_form) {
  EXPECT_TRUE(rc::check("there and back", [](const std::vector<unsigned char>& octets) {
    const auto text = base64url(octets);
    RC_ASSERT(from_base64url(text) == std::string(octets.begin(), octets.end()));
    RC_ASSERT(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
              std::string::npos);
  }));
  for (const char* no : {"A", "AB", "AA==", "AAB", "AA AA", "AAAA\n", "AA+A", "AA/A", "AAAA="})
    EXPECT_FALSE(from_base64url(no)) << no;
  for (int octet = 0; octet < 256; ++octet) {
    const auto text = std::string("AA") + static_cast<char>(octet) + "A";
    const bool letter = octet < 0x80 && (std::isalnum(octet) != 0 || octet == '-' || octet == '_');
    EXPECT_EQ(from_base64url(text).has_value(), letter) << octet;
  }
  EXPECT_EQ(from_base64url("_-8"), "\xff\xef");
}

} // namespace
} // namespace lyceum::storage
