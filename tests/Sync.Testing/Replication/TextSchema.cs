using System.Buffers;
using System.Text;
using Sync.Contracts;

namespace Sync.Testing.Replication;

/// <summary>A parse gate for tests: the value is UTF-8 text, and text that begins with <c>!</c> is refused. Counts
/// its parses.</summary>
public sealed class TextSchema : SyncSchema<string>
{
    private int _parses;

    /// <summary>How often it was asked.</summary>
    public int Parses => Volatile.Read(ref _parses);

    /// <summary>When set, a value that begins with <c>!</c> throws instead of being refused.</summary>
    public bool Throws { get; init; }

    /// <inheritdoc/>
    public override ParseResult<string> Parse(ReadOnlyMemory<byte> value)
    {
        Interlocked.Increment(ref _parses);
        var text = Encoding.UTF8.GetString(value.Span);
        if (!text.StartsWith('!')) return ParseResult<string>.Ok(text);
        if (Throws) throw new FormatException("bad text");
        return ParseResult<string>.Err("begins with !");
    }

    /// <inheritdoc/>
    public override void Write(string value, IBufferWriter<byte> destination) => destination.Write(Encoding.UTF8.GetBytes(value));
}
