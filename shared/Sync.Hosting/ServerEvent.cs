using System.Buffers;
using System.Text;

namespace Sync.Hosting;

/// <summary>One block of an event stream (Server-Sent Events). A block without data raises nothing at the client and
/// only moves its last event id.</summary>
public readonly record struct ServerEvent
{
    /// <summary>Makes a block.</summary>
    /// <param name="id">What the client sends as <c>Last-Event-ID</c> when it comes back; null = unchanged.</param>
    /// <param name="name">The event's name; null = <c>message</c>.</param>
    /// <param name="data">UTF-8 text; each of its lines becomes one line of data, so no content can end the block.
    /// Never written to afterwards. Empty = no data.</param>
    /// <exception cref="ArgumentException">Id or name hold a line end or U+0000: they would forge other
    /// fields.</exception>
    public ServerEvent(string? id, string? name = null, ReadOnlyMemory<byte> data = default)
    {
        RefuseLineEnds(id, nameof(id));
        RefuseLineEnds(name, nameof(name));
        (Id, Name, Data) = (id, name, data);
    }

    /// <summary>The id; null = none.</summary>
    public string? Id { get; }

    /// <summary>The event's name; null = none.</summary>
    public string? Name { get; }

    /// <summary>The data; empty = none.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    internal void WriteTo(IBufferWriter<byte> output)
    {
        if (Id is not null) WriteField(output, "id: "u8, Id);
        if (Name is not null) WriteField(output, "event: "u8, Name);
        var rest = Data.Span;
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOfAny((byte)'\r', (byte)'\n');
            output.Write("data: "u8);
            output.Write(end < 0 ? rest : rest[..end]);
            output.Write("\n"u8);
            if (end < 0) break;
            // Line feed, carriage return and both together end a line; a line end at the very end begins an empty one.
            var isPair = rest[end] == '\r' && end + 1 < rest.Length && rest[end + 1] == '\n';
            rest = rest[(end + (isPair ? 2 : 1))..];
            if (rest.IsEmpty) output.Write("data: \n"u8);
        }
        output.Write("\n"u8);
    }

    private static void WriteField(IBufferWriter<byte> output, ReadOnlySpan<byte> name, string text)
    {
        output.Write(name);
        Encoding.UTF8.GetBytes(text, output);
        output.Write("\n"u8);
    }

    private static void RefuseLineEnds(string? text, string parameter)
    {
        if (text.AsSpan().ContainsAny('\r', '\n', '\0'))
            throw new ArgumentException("must hold neither a line end nor U+0000", parameter);
    }
}
