namespace Sync.ChaosTests.Check;

/// <summary>Reads a log that grows: each call goes on where the last one ended. A line without its end is left for
/// later.</summary>
internal sealed class LogTail(string path)
{
    private readonly LogLine _line = new();
    private long _offset;

    public void ReadOn(Action<LogLine> take)
    {
        if (!File.Exists(path)) return;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
        file.Position = _offset;
        var buffer = new byte[1 << 20];
        var held = 0;
        while (true)
        {
            if (held == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
            var read = file.Read(buffer, held, buffer.Length - held);
            if (read == 0) return;
            held += read;
            var used = 0;
            while (buffer.AsSpan(used, held - used).IndexOf((byte)'\n') is >= 0 and var length)
            {
                if (length > 0)
                {
                    _line.Read(buffer.AsSpan(used, length));
                    take(_line);
                }
                used += length + 1;
            }
            _offset += used;
            buffer.AsSpan(used, held - used).CopyTo(buffer);
            held -= used;
        }
    }
}
