using System.Text;

namespace Sync.ChaosTests.Clients;

/// <summary>A block of an event stream: one with an id alone counts too.</summary>
internal readonly record struct EventBlock(string? Id, string? Name, string Data);

/// <summary>Reads Server-Sent Events line by line; made apart from the product's own reader, so that both are not wrong
/// in one way.</summary>
internal static class EventLines
{
    /// <summary>The next block with an id, a name or data; null = the stream ended.</summary>
    /// <param name="reader">The stream.</param>
    /// <param name="silenceMax">A stream that brings no line for so long is dead; comments count.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <exception cref="TimeoutException">It was silent for too long.</exception>
    public static async Task<EventBlock?> NextAsync(StreamReader reader, TimeSpan silenceMax, CancellationToken stop)
    {
        string? id = null, name = null;
        var data = new StringBuilder();
        while (true)
        {
            if (await reader.ReadLineAsync(stop).AsTask().WaitAsync(silenceMax, stop) is not { } line) return null;
            if (line.Length == 0)
            {
                if (id is not null || name is not null || data.Length > 0) return new EventBlock(id, name, data.ToString());
                continue;
            }
            if (line.StartsWith("id:", StringComparison.Ordinal)) id = line[3..].TrimStart(' ');
            else if (line.StartsWith("event:", StringComparison.Ordinal)) name = line[6..].TrimStart(' ');
            else if (line.StartsWith("data:", StringComparison.Ordinal)) data.Append(line.AsSpan(5).TrimStart(' '));
        }
    }
}
