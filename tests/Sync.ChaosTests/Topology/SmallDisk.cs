using System.Globalization;
using Sync.Testing.Processes;

namespace Sync.ChaosTests.Topology;

/// <summary>A disk of a few megabytes (tmpfs) that can be filled. Needs root.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int Chunk = 64 * 1024;

    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }

    private string Filler => Path.Combine(Folder, "filler");

    public static async Task<SmallDisk> MountAsync(string folder, int megabytes)
    {
        Directory.CreateDirectory(folder);
        var size = string.Create(CultureInfo.InvariantCulture, $"size={megabytes}m,mode=700");
        await ServiceProcess.RunAsync(new ServiceStart("mount") { Arguments = ["-t", "tmpfs", "-o", size, "tmpfs", folder] });
        return new SmallDisk(folder);
    }

    /// <summary>Leaves no byte.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var bytes = new byte[Chunk];
        for (var size = bytes.Length; size > 0;)
        {
            try
            {
                file.Write(bytes, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }
    }

    public void Free() => File.Delete(Filler);

    public async ValueTask DisposeAsync() =>
        await ServiceProcess.RunAsync(new ServiceStart("umount") { Arguments = ["--lazy", Folder] });
}
