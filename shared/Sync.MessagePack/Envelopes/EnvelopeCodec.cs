using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Envelopes and beats as MessagePack, the default on the bus (docs/PROTOCOL.md, Envelope bytes and Beats).
/// Safe from any thread; its only state is a bounded cache of short texts.</summary>
public sealed class EnvelopeCodec : IEnvelopeCodec
{
    private readonly TextCache _texts = new();

    /// <summary>One for everybody.</summary>
    public static EnvelopeCodec Default { get; } = new();

    /// <summary>Exactly the bytes that <see cref="Encode(Envelope, IBufferWriter{byte})"/> writes: what is compared with the
    /// broker's <c>max_payload</c> before a commit.</summary>
    public static int EncodedSize(Envelope envelope) => EnvelopeWriter.Size(envelope);

    /// <inheritdoc/>
    public void Encode(Envelope envelope, IBufferWriter<byte> destination)
    {
        var size = EnvelopeWriter.Size(envelope);
        var writer = new MsgPackWriter(destination.GetSpan(size)[..size]);
        EnvelopeWriter.Write(ref writer, envelope);
        destination.Advance(size);
    }

    /// <inheritdoc/>
    public ParseResult<Envelope> Decode(ReadOnlySpan<byte> bytes) => Decode(bytes, default);

    /// <summary>As <see cref="Decode(ReadOnlySpan{byte})"/>, without new strings for the parts of the key that equal the
    /// subscribed ones. The key of the result is still the one that the bytes name.</summary>
    /// <param name="bytes">Exactly one envelope.</param>
    /// <param name="subscribed">The key it is expected to name; parts may be null.</param>
    public ParseResult<Envelope> Decode(ReadOnlySpan<byte> bytes, SyncedKey subscribed)
    {
        var reader = new MsgPackReader(bytes);
        var envelope = EnvelopeReader.Read(ref reader, subscribed, _texts, out var where);
        return envelope is not null && reader.TryEnd()
            ? ParseResult<Envelope>.Ok(envelope)
            : ParseResult<Envelope>.Err(where.Describe(reader.Error));
    }

    /// <inheritdoc/>
    public void Encode(Beat beat, IBufferWriter<byte> destination) => BeatCodec.Encode(beat, destination);

    /// <inheritdoc/>
    public ParseResult<Beat> DecodeBeat(ReadOnlySpan<byte> bytes) => BeatCodec.Decode(bytes, _texts);
}
