using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class EnvelopeCodecTests
{
    public static TheoryData<IEnvelopeCodec> Codecs => [EnvelopeCodec.Default, JsonEnvelopeCodec.Default];

    private static byte[] Encode(Envelope envelope) => Samples.Bytes(to => EnvelopeCodec.Default.Encode(envelope, to));

    [Theory, MemberData(nameof(Codecs))]
    public void An_envelope_comes_back_as_it_went(IEnvelopeCodec codec)
    {
        foreach (var envelope in new[] { Samples.Envelope(), Samples.Tombstone(), Minimal(), KnownAbsent() })
        {
            var decoded = codec.Decode(Samples.Bytes(to => codec.Encode(envelope, to)));
            decoded.Error.ShouldBeNull();
            decoded.Value.ShouldBeSameAs(envelope);
        }
    }

    [Theory, MemberData(nameof(Codecs))]
    public void A_beat_comes_back_as_it_went(IEnvelopeCodec codec)
    {
        foreach (var beat in new[] { Samples.Beat(), new Beat { Feed = new(0), History = new(1), Prev = new(5), Position = new(5) } })
        {
            var decoded = codec.DecodeBeat(Samples.Bytes(to => codec.Encode(beat, to)));
            decoded.Error.ShouldBeNull();
            decoded.Value.ShouldBeSameAs(beat);
        }
    }

    [Fact]
    public void The_reconcile_fields_come_first_and_the_size_is_known_before()
    {
        foreach (var envelope in new[] { Samples.Envelope(), Samples.Tombstone(), Minimal(), KnownAbsent() })
        {
            var bytes = Encode(envelope);
            EnvelopeCodec.EncodedSize(envelope).ShouldBe(bytes.Length);
            var reader = new MsgPackReader(bytes);
            reader.TryReadMapHeader(out _).ShouldBeTrue();
            foreach (var name in new[] { "value", "schema_version", "sequence" })
            {
                reader.TryReadString(out var key).ShouldBeTrue();
                key.ShouldBe(name);
                reader.TrySkip().ShouldBeTrue();
            }
        }
    }

    [Fact]
    public void The_subscribed_keys_strings_are_used_again_only_where_they_are_equal()
    {
        var subscribed = new SyncedKey(new string("acme"), new string("user"), new string("123"));
        var decoded = EnvelopeCodec.Default.Decode(Encode(Samples.Envelope()), subscribed).Value;
        ReferenceEquals(decoded.Key.Key, subscribed.Key).ShouldBeTrue();
        ReferenceEquals(decoded.Key.Vault, subscribed.Vault).ShouldBeTrue();

        var other = EnvelopeCodec.Default.Decode(Encode(Samples.Envelope()), new SyncedKey("acmf", "user", "124")).Value;
        other.Key.ShouldBe(Samples.Key);
    }

    [Fact]
    public void A_key_in_any_language_is_compared_by_its_characters()
    {
        foreach (var key in new[] { "žluťoučký", "名前", "😀😀", new string('ä', 256), "e\u0301", "a😀b" })
        {
            var envelope = new Envelope { Key = new("acme", "user", key), Value = Samples.Value, Sequence = new(1) };
            var subscribed = new SyncedKey("acme", "user", string.Concat(key));
            var decoded = EnvelopeCodec.Default.Decode(Encode(envelope), subscribed).Value;
            ReferenceEquals(decoded.Key.Key, subscribed.Key).ShouldBeTrue();
            EnvelopeCodec.Default.Decode(Encode(envelope), new("acme", "user", key + "x")).Value.Key.Key.ShouldBe(key);
            EnvelopeCodec.Default.Decode(Encode(envelope), new("acme", "user", key[..^1] + "x")).Value.Key.Key.ShouldBe(key);
        }
    }

    [Fact]
    public void A_key_that_the_bytes_do_not_carry_equals_no_subscribed_key()
    {
        var decoded = EnvelopeCodec.Default.Decode(Encode(Minimal()), Samples.Key).Value;
        decoded.Key.ShouldNotBe(Samples.Key);
        decoded.Key.Vault.ShouldBeNull();
    }

    [Fact]
    public void The_result_keeps_nothing_of_the_buffer_it_was_read_from()
    {
        var bytes = Encode(Samples.Envelope());
        var decoded = EnvelopeCodec.Default.Decode(bytes).Value;
        bytes.AsSpan().Fill(0xff);
        decoded.ShouldBeSameAs(Samples.Envelope());
    }

    [Fact]
    public void The_reconcile_fields_are_read_without_an_allocation()
    {
        var bytes = Encode(Samples.Envelope());
        EnvelopePeek.TryRead(bytes, out _).ShouldBeTrue();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var found = EnvelopePeek.TryReadReconcileKey(bytes, out var sequence, out var position, out var history);
        var isNamed = EnvelopePeek.TryRead(bytes, out var peek) && peek.Names(Samples.Key);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        found.ShouldBeTrue();
        isNamed.ShouldBeTrue();
        (sequence, position, history).ShouldBe((new Sequence(7), new Position(1234567), new HistoryId(8_007_199_254_740_991)));
        peek.Feed.ShouldBe(new FeedId(3));
    }

    [Fact]
    public void Decoding_allocates_the_envelope_and_its_value_and_nothing_else()
    {
        var bytes = Encode(Samples.Envelope());
        var key = Samples.Key;
        EnvelopeCodec.Default.Decode(bytes, key).IsOk.ShouldBeTrue();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = EnvelopeCodec.Default.Decode(bytes, key);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        result.IsOk.ShouldBeTrue();
        allocated.ShouldBeLessThanOrEqualTo(Samples.Value.Length + 300);
    }

    [Fact]
    public void A_beat_that_nobody_would_take_is_not_written()
    {
        var keys = new BeatKey[Beat.KeysMax + 1];
        for (var index = 0; index < keys.Length; index++) keys[index] = new((uint)index, 1);
        foreach (var beat in new[]
        {
            Of(keys, []), Of([new(2, 1), new(1, 1)], []), Of([new(1, 1), new(1, 1)], []), Of([new(1, 0)], []), Of([new(1, 11)], []),
            Of([], [new("a", "b", new(0))]), Of([], [new("a", "b", new(11))]),
            Of([], Enumerable.Repeat(new BeatCollection("a", "b", new(1)), Beat.CollectionsMax + 1).ToArray()),
        })
            Should.Throw<ArgumentException>(() => Samples.Bytes(to => BeatCodec.Encode(beat, to)));

        static Beat Of(BeatKey[] keys, BeatCollection[] collections) => new()
        {
            Feed = new(0),
            History = new(1),
            Prev = new(0),
            Position = new(10),
            Keys = keys,
            Collections = collections,
        };
    }

    [Fact]
    public void Fields_may_come_in_any_order_and_none_twice()
    {
        var bytes = Encode(Samples.Tombstone());
        var reader = new MsgPackReader(bytes);
        reader.TryReadMapHeader(out var count).ShouldBeTrue();
        var pairs = new byte[count][];
        for (var index = 0; index < count; index++)
        {
            reader.TryReadRaw(out var name).ShouldBeTrue();
            reader.TryReadRaw(out var value).ShouldBeTrue();
            pairs[index] = [.. name, .. value];
        }
        var random = new Random(20_260_103);
        for (var round = 0; round < 5_000; round++)
        {
            random.Shuffle(pairs);
            EnvelopeCodec.Default.Decode([(byte)(0x80 + count), .. pairs.SelectMany(pair => pair)])
                .Value.ShouldBeSameAs(Samples.Tombstone());
            var twice = pairs.ToList();
            twice.Insert(random.Next(count), pairs[random.Next(count)]);
            EnvelopeCodec.Default.Decode([0xde, 0, (byte)twice.Count, .. twice.SelectMany(pair => pair)])
                .Error.ShouldNotBeNull().ShouldContain("duplicate key");
        }
    }

    private static Envelope Minimal() => new() { Key = new(null!, null!, null!), Value = Samples.Value, SchemaVersion = new("1.0"), Sequence = new(1) };

    private static Envelope KnownAbsent() => new() { Key = Samples.Key, Value = new byte[] { 0xc0 }, Sequence = Sequence.None };
}
