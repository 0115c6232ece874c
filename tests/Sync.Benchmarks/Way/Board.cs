using System.IO.MemoryMappedFiles;

namespace Sync.Benchmarks.Way;

/// <summary>Clock ticks by sequence in a file that several processes map: who sees a sequence writes when. All processes
/// of a machine read the same monotonic clock, so their ticks compare.</summary>
/// <remarks>Safe over threads and processes: each slot is one aligned word that is written once a run.</remarks>
internal sealed class Board : IDisposable
{
    private const int Slots = 4 << 20;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    private Board(MemoryMappedFile file) => (_file, _view) = (file, file.CreateViewAccessor());

    public static Board Create(string path) => new(
        MemoryMappedFile.CreateFromFile(path, FileMode.Create, null, Slots * (long)sizeof(long)));

    public static Board Open(string path) => new(MemoryMappedFile.CreateFromFile(path, FileMode.Open));

    /// <summary>0 = not seen yet.</summary>
    public long this[long sequence]
    {
        get => _view.ReadInt64(sequence * sizeof(long));
        set => _view.Write(sequence * sizeof(long), value);
    }

    /// <summary>Waits until a sequence was seen; false after 30 s.</summary>
    public async Task<bool> WaitForAsync(long sequence)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var left = 6_000; this[sequence] == 0; left--)
        {
            if (left == 0) return false;
            await tick.WaitForNextTickAsync();
        }
        return true;
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
