using System.Buffers;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.Testing.Transport;

/// <summary>A codec that is not the default one: proves that it can be replaced, and counts what it reads.</summary>
public sealed class PlainCodec : IEnvelopeCodec
{
    private int _decoded;

    public int Decoded => Volatile.Read(ref _decoded);

    public void Encode(Envelope envelope, IBufferWriter<byte> destination) =>
        Write(destination, new PlainEnvelope(
            envelope.Key.Vault, envelope.Key.Collection, envelope.Key.Key, envelope.Sequence.Value, envelope.Position.Value,
            Convert.ToHexString(envelope.Value.Span)));

    public ParseResult<Envelope> Decode(ReadOnlySpan<byte> bytes)
    {
        Interlocked.Increment(ref _decoded);
        if (Read<PlainEnvelope>(bytes) is not { } plain) return ParseResult<Envelope>.Err("no envelope");
        return ParseResult<Envelope>.Ok(new Envelope
        {
            Key = new SyncedKey(plain.Vault, plain.Collection, plain.Key),
            Sequence = new Sequence(plain.Sequence),
            Position = new Position(plain.Position),
            Value = Convert.FromHexString(plain.Value),
        });
    }

    public void Encode(Beat beat, IBufferWriter<byte> destination) =>
        Write(destination, new PlainBeat(beat.Feed.Value, beat.Prev.Value, beat.Position.Value));

    public ParseResult<Beat> DecodeBeat(ReadOnlySpan<byte> bytes)
    {
        if (Read<PlainBeat>(bytes) is not { } plain) return ParseResult<Beat>.Err("no beat");
        return ParseResult<Beat>.Ok(new Beat
        {
            Feed = new FeedId(plain.Feed),
            History = new HistoryId(77),
            Prev = new Position(plain.Prev),
            Position = new Position(plain.Position),
        });
    }

    private static void Write<T>(IBufferWriter<byte> destination, T value) =>
        destination.Write(JsonSerializer.SerializeToUtf8Bytes(value));

    private static T? Read<T>(ReadOnlySpan<byte> bytes)
        where T : class
    {
        try { return JsonSerializer.Deserialize<T>(bytes); }
        catch (JsonException) { return null; }
    }

    private sealed record PlainEnvelope(string Vault, string Collection, string Key, long Sequence, long Position, string Value);

    private sealed record PlainBeat(int Feed, long Prev, long Position);
}
