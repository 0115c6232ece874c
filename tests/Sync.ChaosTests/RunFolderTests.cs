using Shouldly;
using Xunit;

namespace Sync.ChaosTests;

public sealed class RunFolderTests
{
    [Fact]
    public void Users_of_servers_may_pass_through_a_temporary_folder_and_not_list_it()
    {
        var run = RunFolder.CreateTemporary();
        try
        {
            // Chaos runs need Linux anyway.
            if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(run.Path).ShouldBe(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }
        finally
        {
            Directory.Delete(run.Path);
        }
    }
}
