using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sync.Contracts;
using Sync.HostileTests.Mutation;
using Sync.MessagePack;

namespace Sync.HostileTests;

/// <summary>Generators that go to the edges; FsCheck's own stay tiny.</summary>
internal static class Draw
{
    private static readonly string[] Pieces =
        ["a", "Z9", ".", "*", ">", " ", "%41", "%", "/", "\\", "..", "é", "名", "😀", "e\u0301", "\u00a0", "\u2028", "\ufeff", "~", "_", "--", "\"", "'", "<b>"];

    private static readonly int[] Lengths = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 30, 31, 32, 33, 100, 127, 128, 255, 256, 257, 512];

    private static Gen<long> Positive => Gen.Frequency(
        (3, Gen.Elements(0L, 1, 127, 128, 255, 256, 65535, 65536, uint.MaxValue, 1L << 32, (1L << 53) - 1, 1L << 53, (1L << 53) + 1, long.MaxValue)),
        (1, Gen.Choose(0, int.MaxValue).Select(number => (long)number)),
        (1, Gen.Choose(0, int.MaxValue).Two().Select(two => ((long)two.Item1 << 31) | (uint)two.Item2)));

    // 1 AD to 9999.
    private static Gen<Timestamp> Times => Gen.Frequency(
        (1, Gen.Elements(0L, 1, -1, 999_999, 1_000_000, 4_294_967_295_000_000, 4_294_967_296_000_000, -62_135_596_800_000_000, 253_402_300_799_999_999)),
        (1, Positive.Select(number => number % 253_402_300_800_000_000))).Select(micros => new Timestamp(micros));

    public static Gen<string> Texts => Gen.Frequency(
        (4, Gen.Elements(Pieces).ArrayOf().Select(string.Concat)),
        (1, Gen.Elements("\r\n", "\0", "\n", "a\rb", "")),
        (2, Gen.Elements(Lengths).SelectMany(length => Gen.Elements(Pieces).Select(piece => string.Concat(Enumerable.Repeat(piece, length))))));

    public static Gen<byte[]> Bytes => Gen.Frequency(
        (1, Gen.Elements(Hostile.Words)), (1, Gen.Choose(0, 255).Select(number => (byte)number).ArrayOf()), (1, Gen.Elements(Hostile.Words).ArrayOf().Select(Join)));

    private static Gen<string> Names => Gen.Elements("acme", "a", "A.b_c-d", "_x", "x--y", "pypi--django", "a--b--c", "a---b", new string('n', 128)).Where(
        name => Contracts.Names.CheckVault(name) is null);

    public static Gen<SyncedKey> Keys =>
        from vault in Names
        from collection in Names
        from key in Texts.Where(text => Contracts.Names.CheckKey(text) is null)
        select new SyncedKey(vault, collection, key);

    /// <summary>MessagePack: sound but for keys that come twice.</summary>
    public static Gen<byte[]> Values => Gen.Sized(size => Value(Math.Min(5, size / 12)));

    private static Gen<byte[]> Sound => Values.Where(value => MsgPackCheck.Check(value) is null);

    public static Gen<FeedPosition> Cursors =>
        from feed in Gen.Choose(0, Feeds.CountMax - 1)
        from history in Positive
        from position in Positive
        select new FeedPosition(new(feed), new(history), new(position));

    public static Gen<Envelope> Envelopes =>
        from key in Keys
        from value in Sound
        from at in Cursors
        from sequence in Positive
        from after in Positive
        from time in Times
        from text in Texts
        from bits in Gen.Choose(0, 63)
        select new Envelope
        {
            Key = key,
            Value = value,
            SchemaVersion = new SchemaVersion((bits & 1) == 0 ? "3.1" : text),
            Sequence = new(sequence),
            Op = (ChangeOp)((bits >> 1) % 3),
            Id = (bits & 8) == 0 ? default : new FactId(new Guid(bits, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
            Feed = (bits & 16) == 0 || (at.History.Value | at.Position.Value) == 0 ? default : at.Feed,
            History = (bits & 16) == 0 ? default : at.History,
            Position = (bits & 16) == 0 ? default : at.Position,
            After = (bits & 16) == 0 || (at.History.Value | at.Position.Value) == 0 ? default : new Position(after),
            Hash = (bits & 32) == 0 ? default : Hash256.Of(value),
            Time = time,
            Producer = text,
        };

    public static Gen<Beat> Beats =>
        from at in Cursors
        from span in Gen.Choose(0, 5000)
        from keys in Gen.Choose(0, int.MaxValue).Two().ArrayOf()
        from time in Times
        from names in Names.Two()
        let prev = Math.Max(0, at.Position.Value - span)
        let most = (uint)(at.Position.Value - prev)
        select new Beat
        {
            Feed = at.Feed,
            History = at.History,
            Epoch = new(span),
            Prev = new(prev),
            Position = at.Position,
            Time = time,
            Keys = most == 0 ? [] :
            [
                .. keys.Select(key => new BeatKey((uint)key.Item1 * 2, 1 + ((uint)key.Item2 % most))).Distinct()
                    .OrderBy(key => key.Crc).ThenBy(key => key.Offset).Take(Beat.KeysMax),
            ],
            Collections = most == 0 ? [] : [new BeatCollection(names.Item1, names.Item2, at.Position)],
        };

    public static Gen<WriteCommand> Commands =>
        from key in Keys
        from value in Sound
        from sequence in Positive
        from time in Times
        from text in Texts.Where(text => Contracts.Names.CheckIdempotencyKey(text) is null)
        from bits in Gen.Choose(0, 63)
        let op = (ChangeOp)(bits % 3)
        select new WriteCommand
        {
            Key = key,
            Op = op,
            Value = op == ChangeOp.Delete ? new byte[] { 0xc0 } : value,
            SchemaVersion = new SchemaVersion("3.1"),
            Expected = (bits & 4) == 0 ? null : new Sequence(sequence),
            OnlyIfNoLiveRecord = (bits & 8) != 0,
            IdempotencyKey = (bits & 16) == 0 ? null : text,
            ValidTime = (bits & 32) == 0 ? null : time,
            Producer = new Producer("service", text),
            Causation = op == ChangeOp.Append ? new FactId(new Guid(bits, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)) : null,
        };

    public static Gen<ChangesPage> ChangePages =>
        from at in Cursors
        from floor in Positive
        from envelopes in Gen.Elements(0, 1, 2, 15, 16, 17).SelectMany(count => Envelopes.ArrayOf(count))
        select new ChangesPage
        {
            Feed = at.Feed,
            History = at.History,
            Floor = new(floor),
            Position = at.Position,
            Through = at.Position,
            Envelopes = envelopes,
        };

    /// <summary>All that is in it, as text.</summary>
    public static string Shown(Envelope envelope) =>
        $"{envelope.Key}|{Convert.ToHexString(envelope.Value.Span)}|{envelope.SchemaVersion}|{envelope.Sequence}|{envelope.Op}|{envelope.Id}|{envelope.Feed}|"
        + $"{envelope.History}|{envelope.Position}|{envelope.After}|{envelope.Hash}|{envelope.Time.UnixMicroseconds}|{envelope.Producer}";

    /// <summary>All that is in it, as text.</summary>
    public static string Shown(Beat beat) => $"{beat.Feed}|{beat.History}|{beat.Epoch}|{beat.Prev}|{beat.Position}|{beat.Time.UnixMicroseconds}|"
        + $"{string.Join(',', beat.Keys)}|{string.Join(',', beat.Collections)}";

    /// <summary>All that is in it, as text.</summary>
    public static string Shown(WriteCommand command) =>
        $"{command.Key}|{command.Op}|{Convert.ToHexString(command.Value.Span)}|{command.SchemaVersion}|{command.Expected}|{command.OnlyIfNoLiveRecord}|"
        + $"{command.IdempotencyKey}|{command.ValidTime?.UnixMicroseconds}|{command.Producer}|{command.Causation}";

    private static Gen<byte[]> Value(int depth)
    {
        var scalar = Gen.Frequency(
            (3, Gen.Elements(Hostile.Values.Where(value => MsgPackCheck.Check(value) is null).ToArray())), (2, Texts.Select(OfText)));
        if (depth == 0) return scalar;
        var count = Gen.Elements(0, 1, 2, 3, 15, 16, 17);
        var list = count.SelectMany(length => Value(depth - 1).ArrayOf(depth > 2 ? Math.Min(length, 3) : length)).Select(items => Container(0x90, items, items.Length));
        var map = count.SelectMany(length => Pair(depth).ArrayOf(depth > 2 ? Math.Min(length, 3) : length)).Select(pairs => Container(0x80, pairs, pairs.Length));
        return Gen.Frequency((1, scalar), (1, list), (2, map));

        static Gen<byte[]> Pair(int depth) => Texts.SelectMany(key => Value(depth - 1).Select(value => Join([OfText(key), value])));
    }

    private static byte[] OfText(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var bytes = new byte[MsgPackSize.OfString(utf8.Length)];
        var writer = new MsgPackWriter(bytes);
        writer.WriteString(utf8);
        return bytes;
    }

    private static byte[] Container(byte form, byte[][] items, int count)
    {
        byte[] header = count <= 15 ? [(byte)(form | count)] : [form == 0x90 ? (byte)0xdc : (byte)0xde, 0, (byte)count];
        return Join([header, .. items]);
    }

    private static byte[] Join(byte[][] pieces) => [.. pieces.SelectMany(piece => piece)];
}
