using System.Text;
using Shouldly;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.Http;
using Sync.MessagePack;
using Sync.Transport;
using Xunit;

namespace Sync.HostileTests;

/// <summary>Every character that there is, as a key: by subject, path, envelope and JSON, and back.</summary>
public sealed class UnicodeTests
{
    private const int Characters = 0x110000 - 0x800;

    [Fact]
    public void Every_character_survives_as_a_key_or_is_refused_as_control()
    {
        var (kept, refused) = (0, 0);
        for (var scalar = 0; scalar <= 0x10ffff; scalar++)
        {
            if (!Rune.IsValid(scalar)) continue;
            var text = new Rune(scalar).ToString();
            if (Rune.IsControl(new Rune(scalar)))
            {
                Names.CheckKey(text).ShouldNotBeNull();
                Should.Throw<SyncException>(() => Subjects.Default.Of(new SyncedKey("acme", "user", text)));
                refused++;
                continue;
            }
            ShouldSurvive(text);
            kept++;
        }
        (kept + refused).ShouldBe(Characters);
        refused.ShouldBe(65);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\r\n")]
    [InlineData("a\r\nPUB synced.acme._.user.x 1\r\nx")]
    [InlineData("a\u0000b")]
    public void What_is_no_key_has_no_subject(string key)
    {
        Names.CheckKey(key).ShouldNotBeNull();
        Should.Throw<SyncException>(() => Subjects.Default.Of(new SyncedKey("acme", "user", key))).Code.ShouldBe(SyncErrorCode.Invalid);
        Should.Throw<SyncException>(() => Subjects.Default.OfRequest(RequestKind.Get, new SyncedKey("acme", "user", key)));
    }

    [Fact]
    public void Half_of_a_pair_is_no_key()
    {
        for (var half = 0xd800; half <= 0xdfff; half++)
        {
            Names.CheckKey($"a{(char)half}").ShouldNotBeNull();
            Names.CheckKey($"{(char)half}a").ShouldNotBeNull();
        }
    }

    [Theory]
    [InlineData("k")]
    [InlineData("*")]
    [InlineData("é")]
    [InlineData("名")]
    [InlineData("😀")]
    [InlineData(" ")]
    [InlineData("/")]
    public void Keys_of_up_to_512_bytes_survive_and_longer_ones_are_refused(string piece)
    {
        var size = Encoding.UTF8.GetByteCount(piece);
        ShouldSurvive(string.Concat(Enumerable.Repeat(piece, Names.KeyBytesMax / size)));
        var long1 = string.Concat(Enumerable.Repeat(piece, (Names.KeyBytesMax / size) + 1));
        Names.CheckKey(long1).ShouldNotBeNull();
        Should.Throw<SyncException>(() => Subjects.Default.Of(new SyncedKey("acme", "user", long1)));
    }

    private static void ShouldSurvive(string text)
    {
        var key = new SyncedKey("acme", "user", text);
        var subject = Subjects.Default.Of(key);
        if (subject != $"synced.acme._.user.{NaiveNames.Encode(text)}") subject.ShouldBe(NaiveNames.Encode(text));
        if (!subject.All(letter => letter is > ' ' and < '\u007f' and not ('*' or '>')) || subject.Count(letter => letter == '.') != 4)
            subject.ShouldBe("a subject of five plain tokens");
        if (!Subjects.Default.TryParse(subject, out var read) || read != key) read.ShouldBe(key);
        var path = $"/v1/vaults/acme/user/{Uri.EscapeDataString(text)}";
        if (!RecordTarget.TryRead(path, "/v1/vaults/", out var target) || target!.Wrong is not null || target.SyncedKey != key)
            target!.Key.ShouldBe(text);
        var json = JsonTranscoder.ToJson([.. Packed(text)], out _);
        if (json is null || !JsonTranscoder.ToMsgPack(json, out _).AsSpan().SequenceEqual(Packed(text))) json.ShouldBe(Packed(text));
    }

    private static byte[] Packed(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var bytes = new byte[MsgPackSize.OfString(utf8.Length)];
        var writer = new MsgPackWriter(bytes);
        writer.WriteString(utf8);
        return bytes;
    }
}
